module heliograph.invalid/compat-legacy-go

go 1.25.0

require (
	github.com/carterjones/signalr v0.3.5
	heliograph.invalid/compat-common v0.0.0
)

require (
	github.com/carterjones/go-cloudflare-scraper v0.1.2 // indirect
	github.com/gorilla/websocket v1.4.0 // indirect
	github.com/pkg/errors v0.8.1 // indirect
	github.com/robertkrimen/otto v0.0.0-20180617131154-15f95af6e78d // indirect
	gopkg.in/sourcemap.v1 v1.0.5 // indirect
)

replace heliograph.invalid/compat-common => ../go-common
