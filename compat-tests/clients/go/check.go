package main

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"time"
)

// A failure ends a scenario; the runner recovers it.
type failure string

// Cannot be done here by nature.
type skipped string

func fail(format string, values ...any) {
	panic(failure(fmt.Sprintf(format, values...)))
}

func must(err error, what string) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

func check(condition bool, format string, values ...any) {
	if !condition {
		fail(format, values...)
	}
}

func equal(wanted, got any, what string) {
	if !reflect.DeepEqual(plain(wanted), plain(got)) {
		fail("%s: expected %s, got %s", what, shown(wanted), shown(got))
	}
}

func shown(value any) string {
	text := fmt.Sprintf("%#v", plain(value))
	if runes := []rune(text); len(runes) > 160 {
		return fmt.Sprintf("%s… (%d characters)", string(runes[:100]), len(runes))
	}
	return text
}

// The same value from either protocol in one form: numbers as float64, lists as []any, keys of maps as text.
func plain(value any) any {
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
			items[i] = plain(inside.Index(i).Interface())
		}
		return items
	case reflect.Map:
		items := map[string]any{}
		for _, key := range inside.MapKeys() {
			items[fmt.Sprint(key.Interface())] = plain(inside.MapIndex(key).Interface())
		}
		return items
	}
	return value
}
