// The smallest useful plugin in Go: routes, a widget, functions, a log line and a counter in the cache.
// `../hello-js` and `../hello-py` are the same plugin in other languages, and answer the same.
package export_goatherd_plugin_guest

import (
	"fmt"
	"time"

	wit "go.bytecodealliance.org/pkg/wit/types"

	reg "wit_component/goatherd_plugin_registration"
	contract "wit_component/goatherd_plugin_types"
	"wit_component/hello"
)

// Register says what the plugin is. It runs before anything is granted, so it calls no host function.
func Register() reg.Registration {
	get, post := contract.MakeMethodGet(), contract.MakeMethodPost()
	return reg.Registration{
		Name:        hello.Name,
		Version:     "0.1.0",
		Description: wit.Some("Greets, and counts its visits in the cache"),
		Author:      wit.Some("Goatherd"),
		License:     wit.Some("Apache-2.0"),
		Resources: wit.Some(reg.ResourceRequest{
			Permissions: []reg.PermissionRequest{{
				Kind:   reg.MakePermissionKindCache(),
				Access: wit.Some(reg.MakePermissionAccessReadwrite()),
			}},
		}),
		Contributions: []reg.Contribution{
			route("hello", "Greets whom `name` names, in the query or in the JSON body", get, post),
			route("ticket", "Draws a ticket", get),
			reg.MakeContributionWidget(reg.Widget{
				Id:          "visits",
				Title:       "Visits",
				Description: wit.Some("How many were greeted"),
				Handler:     "visits",
				Location:    reg.MakeWidgetLocationAgentHome(),
				Size:        wit.Some(reg.MakeWidgetSizeSmall()),
				Refreshable: true,
				RefreshSec:  wit.Some(uint32(30)),
			}),
		},
	}
}

func route(handler, description string, methods ...contract.Method) reg.Contribution {
	return reg.MakeContributionRoute(reg.Route{
		Methods: methods,
		Path:    "/api/plugins/" + hello.Name + "/" + handler,
		Handler: reg.MakeHandlerFunction(handler),
		// A greeting is no secret; without this, visitors would have to sign in.
		Middleware:   []reg.Middleware{reg.MakeMiddlewarePublic()},
		Description:  wit.Some(description),
		MaxBodyBytes: wit.Some(uint32(1024)),
	})
}

// Init runs once in each instance. What is printed goes into the plugin's log.
func Init() wit.Result[wit.Unit, hello.Failure] {
	fmt.Println("ready at", time.Now().UTC().Format(time.RFC3339))
	return wit.Ok[wit.Unit, hello.Failure](wit.Unit{})
}

// Call is what other plugins can call, and `goatherd call`. It answers with JSON. An error that a host function answered is
// passed on unchanged.
func Call(function, args string) wit.Result[string, hello.Failure] {
	answer, failed := call(function, args)
	if failed != nil {
		return wit.Err[string](*failed)
	}
	return wit.Ok[string, hello.Failure](answer)
}

func call(function, args string) (string, *hello.Failure) {
	switch function {
	case "hello":
		name, failed := hello.Member([]byte(args), "name")
		if failed != nil {
			return "", failed
		}
		greeting, failed := hello.Greet(name)
		if failed != nil {
			return "", failed
		}
		return hello.Text(greeting)
	case "ticket":
		return hello.Text(hello.Ticket())
	case "fail":
		hello.Fail()
	}
	failed := contract.MakeErrorNotFound(fmt.Sprintf("%s has no function %q", hello.Name, function))
	return "", &failed
}

func Shutdown() wit.Result[wit.Unit, hello.Failure] { return wit.Ok[wit.Unit, hello.Failure](wit.Unit{}) }
