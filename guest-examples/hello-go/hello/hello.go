// Package hello is what the plugin does, whoever asks for it: a route, a widget, or a call by its name.
package hello

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	mathRand "math/rand/v2"
	"strconv"
	"time"

	wit "go.bytecodealliance.org/pkg/wit/types"

	cacheRead "wit_component/goatherd_plugin_cache_read"
	cacheWrite "wit_component/goatherd_plugin_cache_write"
	callContext "wit_component/goatherd_plugin_context"
	hostLog "wit_component/goatherd_plugin_log"
	contract "wit_component/goatherd_plugin_types"
)

// Name is the plugin's.
const Name = "hello-go"

// Failure is an error as the contract has it.
type Failure = contract.Error

// A Greeting is what a visitor gets.
type Greeting struct {
	Greeting string `json:"greeting"`
	Visits   int64  `json:"visits"`
	Language string `json:"language"`
}

// Greet greets whom `name` names, or the world.
func Greet(name any) (*Greeting, *Failure) {
	if name == nil {
		name = "world"
	}
	whom, isText := name.(string)
	if !isText {
		return nil, Invalid("name must be a string")
	}
	// In one step, so that no visit is lost when two are counted at a time.
	counted := cacheWrite.Increment("visits", 1, wit.None[uint32]())
	if counted.IsErr() {
		failed := counted.Err()
		return nil, &failed
	}
	visits := counted.Ok()
	hostLog.Log(hostLog.Level_Info, "greeted", []wit.Tuple2[string, string]{
		{F0: "name", F1: whom},
		{F0: "visits", F1: strconv.FormatInt(visits, 10)},
	})
	return &Greeting{"Hello, " + whom + "!", visits, callContext.Language()}, nil
}

// Visits is how many were greeted, in digits.
func Visits() (string, *Failure) {
	stored := cacheRead.Get("visits")
	if stored.IsErr() {
		failed := stored.Err()
		return "", &failed
	}
	if visits := stored.Ok(); visits.IsSome() {
		return string(visits.Some()), nil
	}
	return "0", nil
}

// Ticket draws a ticket that cannot be guessed, and `lot`, an ordinary random number. Both packages draw from the host, in
// every instance anew.
func Ticket() map[string]any {
	bytes := make([]byte, 16)
	rand.Read(bytes)
	return map[string]any{
		"ticket": hex.EncodeToString(bytes),
		"lot":    mathRand.Float64(),
		"drawn":  time.Now().UTC().Format(time.RFC3339Nano),
	}
}

// Fail is a bug, to see where one is read: the error that the call ends with, and the log, have the message and this line.
func Fail() {
	panic("a bug")
}

// Member is the member `key` of a JSON text; nil where it has none, and where the text is no object.
func Member(text []byte, key string) (any, *Failure) {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, Invalid("it is not JSON: " + err.Error())
	}
	members, _ := value.(map[string]any)
	return members[key], nil
}

// Text is an answer as JSON.
func Text(answer any) (string, *Failure) {
	text, err := json.Marshal(answer)
	if err != nil {
		return "", Invalid(err.Error())
	}
	return string(text), nil
}

// Invalid says what is wrong with what was asked.
func Invalid(message string) *Failure {
	failed := contract.MakeErrorInvalidArgument(message)
	return &failed
}
