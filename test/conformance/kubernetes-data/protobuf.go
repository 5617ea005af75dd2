// Prints src/playground/apiserver/builtin/protobuf.json: the fields of the kinds that are read in protobuf form, off the
// struct tags of k8s.io/api. Run it in a module that requires k8s.io/api and k8s.io/apimachinery 0.36:
//
//	go run protobuf.go > protobuf.json
package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	authnv1 "k8s.io/api/authentication/v1"
	authzv1 "k8s.io/api/authorization/v1"
	autov1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	coordv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	netv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var out = map[string]map[string][]any{}

func name(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	n := len(parts)
	return parts[n-2] + "." + parts[n-1] + "." + t.Name()
}

// returns kind code, message name
func kind(t reflect.Type) (string, string) {
	switch t.PkgPath() + "." + t.Name() {
	case "k8s.io/apimachinery/pkg/apis/meta/v1.Time":
		return "time", ""
	case "k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":
		return "microtime", ""
	case "k8s.io/apimachinery/pkg/api/resource.Quantity":
		return "quantity", ""
	case "k8s.io/apimachinery/pkg/util/intstr.IntOrString":
		return "intstr", ""
	case "k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":
		return "raw", ""
	case "k8s.io/apimachinery/pkg/runtime.RawExtension":
		return "raw", ""
	}
	switch t.Kind() {
	case reflect.String:
		return "string", ""
	case reflect.Bool:
		return "bool", ""
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8:
		return "int", ""
	case reflect.Float64:
		return "double", ""
	case reflect.Struct:
		visit(t)
		return "message", name(t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes", ""
		}
		if t.Name() != "" { // named list (ExtraValue, Verbs): message {repeated items = 1}
			return "items", ""
		}
	}
	panic(fmt.Sprint("kind ", t))
}

func visit(t reflect.Type) {
	n := name(t)
	if _, ok := out[n]; ok {
		return
	}
	m := map[string][]any{}
	out[n] = m
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		pb := f.Tag.Get("protobuf")
		if pb == "" {
			continue
		}
		num := strings.Split(pb, ",")[1]
		js := f.Tag.Get("json")
		jn := strings.Split(js, ",")[0]
		ft := f.Type
		flags := ""
		if ft.Kind() == reflect.Ptr {
			flags += "p"
			ft = ft.Elem()
		} else if strings.Contains(js, "omitempty") || ft.Kind() == reflect.Struct {
			flags += "o"
		}
		if jn == "" || strings.Contains(js, "inline") {
			flags += "i"
		}
		if ft.Kind() == reflect.Slice && ft.Elem().Kind() != reflect.Uint8 && !(ft.Name() != "" && ft.Elem().Kind() == reflect.String && strings.HasSuffix(ft.Name(), "Value")) {
			flags += "r"
			ft = ft.Elem()
			if ft.Kind() == reflect.Ptr {
				ft = ft.Elem()
			}
		} else if ft.Kind() == reflect.Map {
			flags += "m"
			ft = ft.Elem()
		}
		k, ref := kind(ft)
		e := []any{jn, k, flags}
		if ref != "" {
			e = append(e, ref)
		}
		m[num] = e
	}
}

func main() {
	roots := map[string]any{
		"v1/Namespace": corev1.Namespace{}, "v1/Pod": corev1.Pod{}, "v1/Service": corev1.Service{}, "v1/ServiceAccount": corev1.ServiceAccount{},
		"v1/Secret": corev1.Secret{}, "v1/ConfigMap": corev1.ConfigMap{}, "v1/Event": corev1.Event{}, "v1/Node": corev1.Node{}, "v1/Endpoints": corev1.Endpoints{},
		"apps/v1/Deployment": appsv1.Deployment{}, "apps/v1/ReplicaSet": appsv1.ReplicaSet{}, "apps/v1/StatefulSet": appsv1.StatefulSet{}, "apps/v1/DaemonSet": appsv1.DaemonSet{},
		"batch/v1/Job": batchv1.Job{}, "batch/v1/CronJob": batchv1.CronJob{},
		"networking.k8s.io/v1/Ingress": netv1.Ingress{}, "networking.k8s.io/v1/NetworkPolicy": netv1.NetworkPolicy{}, "networking.k8s.io/v1/IngressClass": netv1.IngressClass{},
		"policy/v1/PodDisruptionBudget":     policyv1.PodDisruptionBudget{},
		"rbac.authorization.k8s.io/v1/Role": rbacv1.Role{}, "rbac.authorization.k8s.io/v1/RoleBinding": rbacv1.RoleBinding{}, "rbac.authorization.k8s.io/v1/ClusterRole": rbacv1.ClusterRole{}, "rbac.authorization.k8s.io/v1/ClusterRoleBinding": rbacv1.ClusterRoleBinding{},
		"coordination.k8s.io/v1/Lease": coordv1.Lease{}, "discovery.k8s.io/v1/EndpointSlice": discv1.EndpointSlice{}, "events.k8s.io/v1/Event": eventsv1.Event{},
		"authentication.k8s.io/v1/TokenReview": authnv1.TokenReview{}, "authentication.k8s.io/v1/TokenRequest": authnv1.TokenRequest{}, "authentication.k8s.io/v1/SelfSubjectReview": authnv1.SelfSubjectReview{},
		"authorization.k8s.io/v1/SubjectAccessReview": authzv1.SubjectAccessReview{}, "authorization.k8s.io/v1/SelfSubjectAccessReview": authzv1.SelfSubjectAccessReview{}, "authorization.k8s.io/v1/LocalSubjectAccessReview": authzv1.LocalSubjectAccessReview{}, "authorization.k8s.io/v1/SelfSubjectRulesReview": authzv1.SelfSubjectRulesReview{},
		"autoscaling/v1/Scale": autov1.Scale{}, "DeleteOptions": metav1.DeleteOptions{},
	}
	kinds := map[string]string{}
	for k, v := range roots {
		t := reflect.TypeOf(v)
		visit(t)
		kinds[k] = name(t)
	}
	fmt.Print("{\"kinds\":{\n")
	printLines(kinds)
	fmt.Print("},\n\"messages\":{\n")
	printLines(out)
	fmt.Print("}}\n")
}

// One member a line, so that a change shows as one.
func printLines[V any](members map[string]V) {
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		value, err := json.Marshal(members[name])
		if err != nil {
			panic(err)
		}
		comma := ","
		if i == len(names)-1 {
			comma = ""
		}
		fmt.Printf("%q:%s%s\n", name, value, comma)
	}
}
