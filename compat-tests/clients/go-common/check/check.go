// Package check has what ends a scenario when it does not hold.
package check

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"time"
)

// Failed ends a scenario; the runner recovers it.
type Failed string

// Skipped cannot be done here by nature.
type Skipped string

// Fail ends the scenario.
func Fail(format string, values ...any) {
	panic(Failed(fmt.Sprintf(format, values...)))
}

// Must ends it if there is an error.
func Must(err error, what string) {
	if err != nil {
		Fail("%s: %v", what, err)
	}
}

// That ends it if the condition does not hold.
func That(condition bool, format string, values ...any) {
	if !condition {
		Fail(format, values...)
	}
}

// Equal ends it if the values differ.
func Equal(wanted, got any, what string) {
	if !reflect.DeepEqual(Plain(wanted), Plain(got)) {
		Fail("%s: expected %s, got %s", what, Shown(wanted), Shown(got))
	}
}

// Shown is a value for a reader.
func Shown(value any) string {
	text := fmt.Sprintf("%#v", Plain(value))
	if runes := []rune(text); len(runes) > 160 {
		return fmt.Sprintf("%s… (%d characters)", string(runes[:100]), len(runes))
	}
	return text
}

// Plain is the same value from either protocol in one form: numbers as float64, lists as []any, keys of maps as text.
func Plain(value any) any {
	switch value := value.(type) {
	case nil:
		return nil
	case time.Time:
		return value.UTC().Format(time.RFC3339Nano)
	case []byte:
		return base64.StdEncoding.EncodeToString(value)
	}
	inside := reflect.ValueOf(value)
	switch inside.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return float64(inside.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return float64(inside.Uint())
	case reflect.Float32, reflect.Float64:
		return inside.Float()
	case reflect.Slice:
		items := make([]any, inside.Len())
		for i := range items {
			items[i] = Plain(inside.Index(i).Interface())
		}
		return items
	case reflect.Map:
		items := map[string]any{}
		for _, key := range inside.MapKeys() {
			items[fmt.Sprint(key.Interface())] = Plain(inside.MapIndex(key).Interface())
		}
		return items
	}
	return value
}
