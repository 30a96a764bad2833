// What a plugin with widgets exports.
package export_goatherd_plugin_widget_handler

import (
	wit "go.bytecodealliance.org/pkg/wit/types"

	handlers "wit_component/goatherd_plugin_handler_types"
	"wit_component/hello"
)

// Render draws a widget: a fragment of HTML.
func Render(handler string, widget handlers.WidgetRequest) wit.Result[string, hello.Failure] {
	visits, failed := hello.Visits()
	if failed != nil {
		return wit.Err[string](*failed)
	}
	return wit.Ok[string, hello.Failure]("<p>Visits: " + visits + "</p>")
}
