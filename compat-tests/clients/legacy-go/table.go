package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The program is in the folder bin of a folder of drivers.
const tableFile = "../../../legacy-scenarios.toml"

// What the table says of a scenario; the limit is in seconds.
type row struct {
	Name  string
	Needs []string
	Limit int
	Slow  bool
	Alone bool
}

// Reads compat-tests/legacy-scenarios.toml. Its values are written so that they are JSON too.
func readTable() ([]row, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(filepath.Dir(program), tableFile))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var rows []row
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		key, value, isPair := strings.Cut(line, " = ")
		switch {
		case line == "[[scenario]]":
			rows = append(rows, row{Limit: 15})
		case line == "" || line[0] == '#':
		case isPair && len(rows) > 0:
			if err := json.Unmarshal(fmt.Appendf(nil, "{%q: %s}", key, value), &rows[len(rows)-1]); err != nil {
				return nil, fmt.Errorf("cannot read %q: %w", line, err)
			}
		default:
			return nil, fmt.Errorf("cannot read %q", line)
		}
	}
	return rows, nil
}
