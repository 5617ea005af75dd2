{{- define "catalyst-operator.selector" -}}
app.kubernetes.io/name: catalyst-operator
{{- end -}}

{{- define "catalyst-operator.labels" -}}
{{ include "catalyst-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}
