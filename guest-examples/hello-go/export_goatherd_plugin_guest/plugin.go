// The smallest useful plugin in Go: two functions with their routes, a log line and a counter in the cache.
// `../hello-js` and `../hello-py` are the same plugin in other languages, and answer the same.
package export_goatherd_plugin_guest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	mathRand "math/rand/v2"
	"strconv"
	"time"

	wit "go.bytecodealliance.org/pkg/wit/types"

	cacheRead "wit_component/goatherd_plugin_cache_read"
	cacheWrite "wit_component/goatherd_plugin_cache_write"
	callContext "wit_component/goatherd_plugin_context"
	hostLog "wit_component/goatherd_plugin_log"
	reg "wit_component/goatherd_plugin_registration"
	contract "wit_component/goatherd_plugin_types"
)

const name = "hello-go"

type failure = contract.Error

// Register says what the plugin is. It runs before anything is granted, so it calls no host function.
func Register() reg.Registration {
	return reg.Registration{
		Name:        name,
		Version:     "0.1.0",
		Description: "Greets, and counts its visits in the cache",
		Author:      "Goatherd",
		License:     "Apache-2.0",
		Resources: wit.Some(reg.ResourceRequest{
			Permissions: []reg.PermissionRequest{{Kind: "cache", Access: wit.Some("readwrite")}},
		}),
		Contributions: []reg.Contribution{
			route("hello", "Greets whom the parameter `name` names"),
			route("ticket", "Draws a ticket"),
		},
	}
}

func route(handler, description string) reg.Contribution {
	return reg.MakeContributionRoute(reg.Route{
		Method:  "GET",
		Path:    "/api/plugins/" + name + "/" + handler,
		Handler: handler,
		// A greeting is no secret; without this, visitors would have to sign in.
		Middleware:  []string{"public"},
		Description: description,
	})
}

// Init runs once in each instance. What is printed goes into the plugin's log.
func Init() wit.Result[wit.Unit, failure] {
	fmt.Println("ready at", time.Now().UTC().Format(time.RFC3339))
	return wit.Ok[wit.Unit, failure](wit.Unit{})
}

// Call answers with JSON. An error that a host function answered is passed on unchanged.
func Call(function, args string) wit.Result[string, failure] {
	var answer any
	var failed *failure
	switch function {
	case "hello":
		answer, failed = hello(args)
	case "ticket":
		answer = ticket()
	case "fail":
		fail()
	default:
		return wit.Err[string](contract.MakeErrorNotFound(fmt.Sprintf("%s has no function %q", name, function)))
	}
	if failed != nil {
		return wit.Err[string](*failed)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return wit.Err[string](invalid(err.Error()))
	}
	return wit.Ok[string, failure](string(text))
}

func Shutdown() wit.Result[wit.Unit, failure] { return wit.Ok[wit.Unit, failure](wit.Unit{}) }

type greeting struct {
	Greeting string `json:"greeting"`
	Visits   int    `json:"visits"`
	Language string `json:"language"`
}

// Called directly it gets `{"name"}`, through its route `{"query": {"name"}, …}`.
func hello(args string) (*greeting, *failure) {
	var asked any
	if err := json.Unmarshal([]byte(args), &asked); err != nil {
		failed := invalid(err.Error())
		return nil, &failed
	}
	given := field(asked, "name")
	if given == nil {
		given = field(field(asked, "query"), "name")
	}
	if given == nil {
		given = "world"
	}
	whom, isText := given.(string)
	if !isText {
		failed := invalid("name must be a string")
		return nil, &failed
	}

	visits, failed := countVisit()
	if failed != nil {
		return nil, failed
	}
	hostLog.Log(hostLog.Level_Info, "greeted", []wit.Tuple2[string, string]{
		{F0: "name", F1: whom},
		{F0: "visits", F1: strconv.Itoa(visits)},
	})
	return &greeting{"Hello, " + whom + "!", visits, callContext.Language()}, nil
}

// The member `key` of a JSON object; nil where it has none, and where `value` is no object.
func field(value any, key string) any {
	members, _ := value.(map[string]any)
	return members[key]
}

// Two calls at the same time may count as one: the cache has no atomic addition. What must be exact belongs into the
// database.
func countVisit() (int, *failure) {
	stored := cacheRead.Get("visits")
	if stored.IsErr() {
		failed := stored.Err()
		return 0, &failed
	}
	visits := 1
	if before := stored.Ok(); before.IsSome() {
		number, _ := strconv.Atoi(string(before.Some()))
		visits += number
	}
	if kept := cacheWrite.Set("visits", []byte(strconv.Itoa(visits)), 0); kept.IsErr() {
		failed := kept.Err()
		return 0, &failed
	}
	return visits, nil
}

// `ticket` cannot be guessed; `lot` is an ordinary random number. Both packages draw from the host, in every instance anew.
func ticket() map[string]any {
	bytes := make([]byte, 16)
	rand.Read(bytes)
	return map[string]any{
		"ticket": hex.EncodeToString(bytes),
		"lot":    mathRand.Float64(),
		"drawn":  time.Now().UTC().Format(time.RFC3339Nano),
	}
}

// A bug, to see where one is read: the error that the call ends with, and the log, have the message and this line.
func fail() {
	panic("a bug")
}

func invalid(message string) failure {
	return contract.MakeErrorInvalidArgument(message)
}
