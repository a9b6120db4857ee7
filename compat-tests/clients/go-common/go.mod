module heliograph.invalid/compat-common

go 1.25.0
