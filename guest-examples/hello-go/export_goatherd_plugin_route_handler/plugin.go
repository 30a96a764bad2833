// What a plugin with routes exports.
package export_goatherd_plugin_route_handler

import (
	"fmt"

	wit "go.bytecodealliance.org/pkg/wit/types"

	handlers "wit_component/goatherd_plugin_handler_types"
	contract "wit_component/goatherd_plugin_types"
	"wit_component/hello"
)

// Handle answers a request.
func Handle(handler string, request handlers.Request) wit.Result[handlers.Response, hello.Failure] {
	answer, failed := handle(handler, request)
	if failed == nil {
		var text string
		if text, failed = hello.Text(answer); failed == nil {
			return wit.Ok[handlers.Response, hello.Failure](handlers.Response{Body: handlers.MakeResponseBodyJson(text)})
		}
	}
	return wit.Err[handlers.Response](*failed)
}

func handle(handler string, request handlers.Request) (any, *hello.Failure) {
	switch handler {
	case "hello":
		name, failed := asked(request)
		if failed != nil {
			return nil, failed
		}
		return hello.Greet(name)
	case "ticket":
		return hello.Ticket(), nil
	}
	failed := contract.MakeErrorNotFound(fmt.Sprintf("%s has no handler %q", hello.Name, handler))
	return nil, &failed
}

// The name that a request gives: in its JSON body, or in its query.
func asked(request handlers.Request) (any, *hello.Failure) {
	if request.Method.Tag() == contract.Method_Post {
		return hello.Member(request.Body, "name")
	}
	for _, parameter := range request.Query {
		if parameter.F0 == "name" {
			return parameter.F1, nil
		}
	}
	return nil, nil
}
