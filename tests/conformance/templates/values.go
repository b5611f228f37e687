package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"conformance/probe"
	model "conformance/template"
)

// What `{"$name": …}` in a set of data stands for. A pointer to a struct is written `{"$*name": …}`.
var types = map[string]reflect.Type{
	"int8": reflect.TypeFor[int8](), "int16": reflect.TypeFor[int16](),
	"int32": reflect.TypeFor[int32](), "int64": reflect.TypeFor[int64](),
	"uint": reflect.TypeFor[uint](), "uint8": reflect.TypeFor[uint8](),
	"uint16": reflect.TypeFor[uint16](), "uint32": reflect.TypeFor[uint32](), "uint64": reflect.TypeFor[uint64](),
	"uintptr":  reflect.TypeFor[uintptr](),
	"duration": reflect.TypeFor[time.Duration](), "month": reflect.TypeFor[time.Month](),
	"weekday": reflect.TypeFor[time.Weekday](),
	"html":    reflect.TypeFor[template.HTML](), "url": reflect.TypeFor[template.URL](),
	"[]string": reflect.TypeFor[[]string](), "[]int": reflect.TypeFor[[]int](),
	"[]bool": reflect.TypeFor[[]bool](), "[]float64": reflect.TypeFor[[]float64](),
	"[][]string":     reflect.TypeFor[[][]string](),
	"map[string]int": reflect.TypeFor[map[string]int](), "map[string]string": reflect.TypeFor[map[string]string](),
	"map[string]bool": reflect.TypeFor[map[string]bool](), "map[int]string": reflect.TypeFor[map[int]string](),
	"Data": reflect.TypeFor[model.Data](), "Alert": reflect.TypeFor[model.Alert](),
	"Alerts": reflect.TypeFor[model.Alerts](), "KV": reflect.TypeFor[model.KV](),
	"Pair": reflect.TypeFor[model.Pair](), "Pairs": reflect.TypeFor[model.Pairs](),
	"Strings": reflect.TypeFor[model.Strings](),
	"Color":   reflect.TypeFor[probe.Color](), "Word": reflect.TypeFor[probe.Word](),
	"Count": reflect.TypeFor[probe.Count](), "Failure": reflect.TypeFor[probe.Failure](),
	"Point": reflect.TypeFor[probe.Point](), "Person": reflect.TypeFor[probe.Person](),
	"[]Point": reflect.TypeFor[[]probe.Point](), "[]Color": reflect.TypeFor[[]probe.Color](),
}

// Functions that a set of data may hold as values.
var callables = map[string]any{
	"double": func(n int) int { return 2 * n },
	"fail":   func() (string, error) { return "", errors.New("it does not work") },
	"burst":  func() string { panic("it has burst") },
	"glue":   func(sep string, all ...string) string { return strings.Join(all, sep) },
	"same":   func(value any) any { return value },
	"upper":  strings.ToUpper,
}

// readSets gives the named data of all files of a folder.
func readSets(folder string) (map[string]any, error) {
	sets := map[string]any{}
	names, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(text, &raw); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for key, one := range raw {
			value, err := decode(one)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, key, err)
			}
			if _, twice := sets[key]; twice {
				return nil, fmt.Errorf("%s: a second set is named %s", name, key)
			}
			sets[key] = value
		}
	}
	return sets, nil
}

func decode(text json.RawMessage) (any, error) {
	reader := json.NewDecoder(bytes.NewReader(text))
	reader.UseNumber()
	var raw any
	if err := reader.Decode(&raw); err != nil {
		return nil, err
	}
	return build(raw)
}

// build turns JSON into Go values: whole numbers are int, others float64, `{"$type": …}` a value of that type.
func build(raw any) (any, error) {
	switch v := raw.(type) {
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return v.Float64()
		}
		whole, err := v.Int64()
		return int(whole), err
	case []any:
		all := make([]any, len(v))
		for i := range v {
			one, err := build(v[i])
			if err != nil {
				return nil, err
			}
			all[i] = one
		}
		return all, nil
	case map[string]any:
		for key, inner := range v {
			if strings.HasPrefix(key, "$") && len(v) == 1 {
				return special(key[1:], inner)
			}
		}
		all := map[string]any{}
		for key, inner := range v {
			one, err := build(inner)
			if err != nil {
				return nil, err
			}
			all[key] = one
		}
		return all, nil
	}
	return raw, nil
}

func special(name string, raw any) (any, error) {
	switch name {
	case "func":
		if made, ok := callables[raw.(string)]; ok {
			return made, nil
		}
		return nil, fmt.Errorf("no function %v", raw)
	case "float64":
		return strconv.ParseFloat(raw.(string), 64)
	case "complex":
		return strconv.ParseComplex(raw.(string), 128)
	case "bytes":
		return strconv.Unquote(`"` + raw.(string) + `"`)
	case "time":
		return moment(raw)
	}
	pointer := strings.HasPrefix(name, "*")
	typ, known := types[strings.TrimPrefix(name, "*")]
	if !known {
		return nil, fmt.Errorf("no type %s", name)
	}
	value := reflect.New(typ)
	if err := fill(value.Elem(), raw); err != nil {
		return nil, err
	}
	if !pointer {
		value = value.Elem()
	}
	return value.Interface(), nil
}

// moment reads "2006-01-02T15:04:05Z" or ["2006-01-02T15:04:05Z", "Europe/Berlin"].
func moment(raw any) (time.Time, error) {
	pair, isPair := raw.([]any)
	if !isPair {
		t, err := time.Parse(time.RFC3339Nano, raw.(string))
		return t, err
	}
	t, err := time.Parse(time.RFC3339Nano, pair[0].(string))
	if err != nil {
		return t, err
	}
	return inZone(pair[1].(string), t)
}

// fill sets a value of a known type from JSON.
func fill(to reflect.Value, raw any) error {
	if raw == nil {
		return nil
	}
	switch to.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		whole, err := raw.(json.Number).Int64()
		to.SetInt(whole)
		return err
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		whole, err := strconv.ParseUint(raw.(json.Number).String(), 10, 64)
		to.SetUint(whole)
		return err
	case reflect.Float64:
		f, err := raw.(json.Number).Float64()
		to.SetFloat(f)
		return err
	case reflect.String:
		to.SetString(raw.(string))
	case reflect.Bool:
		to.SetBool(raw.(bool))
	case reflect.Interface:
		value, err := build(raw)
		if value != nil {
			to.Set(reflect.ValueOf(value))
		}
		return err
	case reflect.Slice:
		all := raw.([]any)
		to.Set(reflect.MakeSlice(to.Type(), len(all), len(all)))
		for i, one := range all {
			if err := fill(to.Index(i), one); err != nil {
				return err
			}
		}
	case reflect.Map:
		return fillMap(to, raw.(map[string]any))
	case reflect.Struct:
		return fillStruct(to, raw)
	default:
		return fmt.Errorf("no values of type %s", to.Type())
	}
	return nil
}

func fillMap(to reflect.Value, raw map[string]any) error {
	to.Set(reflect.MakeMap(to.Type()))
	for key, inner := range raw {
		name := reflect.New(to.Type().Key()).Elem()
		var err error
		if name.Kind() == reflect.String {
			name.SetString(key)
		} else {
			err = fill(name, json.Number(key))
		}
		one := reflect.New(to.Type().Elem()).Elem()
		if err = errors.Join(err, fill(one, inner)); err != nil {
			return err
		}
		to.SetMapIndex(name, one)
	}
	return nil
}

func fillStruct(to reflect.Value, raw any) error {
	if to.Type() == reflect.TypeFor[time.Time]() {
		t, err := moment(raw)
		to.Set(reflect.ValueOf(t))
		return err
	}
	for i := range to.NumField() {
		if kind := to.Field(i).Kind(); kind == reflect.Slice || kind == reflect.Map {
			if err := fill(to.Field(i), map[reflect.Kind]any{reflect.Slice: []any{}, reflect.Map: map[string]any{}}[kind]); err != nil {
				return err
			}
		}
	}
	for key, inner := range raw.(map[string]any) {
		field := to.FieldByName(key)
		if !field.IsValid() {
			return fmt.Errorf("%s has no field %s", to.Type(), key)
		}
		if err := fill(field, inner); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}
