// Package template holds the values that notification templates see, with the types' names of the reference.
package template

import (
	"slices"
	"strings"
	"time"
)

// Pair is a name and a value.
type Pair struct {
	Name, Value string
}

// Pairs print as "a=b, c=d".
type Pairs []Pair

// Strings print as a plain list.
type Strings []string

// KV is a set of labels or annotations.
type KV map[string]string

// Alert is one alert of a group.
type Alert struct {
	Status       string    `json:"status"`
	Labels       KV        `json:"labels"`
	Annotations  KV        `json:"annotations"`
	StartsAt     time.Time `json:"startsAt"`
	EndsAt       time.Time `json:"endsAt"`
	GeneratorURL string    `json:"generatorURL"`
	Fingerprint  string    `json:"fingerprint"`
}

// Alerts are all alerts of a notification.
type Alerts []Alert

// Data is what a notification's templates get; they get a pointer to it.
type Data struct {
	Receiver           string `json:"receiver"`
	Status             string `json:"status"`
	Alerts             Alerts `json:"alerts"`
	NotificationReason string `json:"notification_reason"`
	GroupLabels        KV     `json:"groupLabels"`
	CommonLabels       KV     `json:"commonLabels"`
	CommonAnnotations  KV     `json:"commonAnnotations"`
	RouteLabels        KV     `json:"routeLabels"`
	ExternalURL        string `json:"externalURL"`

	routeLabelsRendered bool
}

func collect[T any](pairs Pairs, of func(Pair) T) []T {
	all := make([]T, 0, len(pairs))
	for _, pair := range pairs {
		all = append(all, of(pair))
	}
	return all
}

// Names in the order of the pairs.
func (p Pairs) Names() Strings { return collect(p, func(one Pair) string { return one.Name }) }

// Values in the order of the pairs.
func (p Pairs) Values() Strings { return collect(p, func(one Pair) string { return one.Value }) }

func (p Pairs) String() string {
	return strings.Join(collect(p, func(one Pair) string { return one.Name + "=" + one.Value }), ", ")
}

// Join puts the separator between the strings.
func (s Strings) Join(sep string) string { return strings.Join(s, sep) }

// SortedPairs has the alert's name first and the rest by name.
func (kv KV) SortedPairs() Pairs {
	pairs := make(Pairs, 0, len(kv))
	for name, value := range kv {
		pairs = append(pairs, Pair{name, value})
	}
	slices.SortFunc(pairs, func(a, b Pair) int {
		if (a.Name == "alertname") != (b.Name == "alertname") {
			if a.Name == "alertname" {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return pairs
}

// Remove gives a copy without some names.
func (kv KV) Remove(names []string) KV {
	rest := KV{}
	for name, value := range kv {
		if !slices.Contains(names, name) {
			rest[name] = value
		}
	}
	return rest
}

// Names in the order of SortedPairs.
func (kv KV) Names() Strings { return kv.SortedPairs().Names() }

// Values in the order of SortedPairs.
func (kv KV) Values() Strings { return kv.SortedPairs().Values() }

func (kv KV) String() string { return kv.SortedPairs().String() }

// Firing alerts among these.
func (all Alerts) Firing() []Alert { return all.in("firing") }

// Resolved alerts among these.
func (all Alerts) Resolved() []Alert { return all.in("resolved") }

func (all Alerts) in(status string) []Alert {
	found := []Alert{}
	for _, alert := range all {
		if alert.Status == status {
			found = append(found, alert)
		}
	}
	return found
}
