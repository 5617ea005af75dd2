{{- define "catalyst-operator.selector" -}}
app.kubernetes.io/name: catalyst-operator
{{- end -}}

{{- define "catalyst-operator.labels" -}}
{{ include "catalyst-operator.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* The annotations of every object, or nothing. */}}
{{- define "catalyst-operator.annotations" -}}
{{- with .Values.commonAnnotations -}}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "catalyst-operator.image" -}}
{{ .Values.image.repository }}@{{ required "image.digest must be sha256:<64 hex>: pin the image, because a tag can move" .Values.image.digest }}
{{- end -}}

{{- define "catalyst-operator.podSecurityContext" -}}
{{ merge (deepCopy (.Values.podSecurityContext | default dict)) (dict "runAsNonRoot" true "seccompProfile" (dict "type" "RuntimeDefault")) | toYaml }}
{{- end -}}

{{- define "catalyst-operator.securityContext" -}}
{{ merge (deepCopy (.Values.securityContext | default dict)) (dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" (dict "drop" (list "ALL"))) | toYaml }}
{{- end -}}

{{- /* The documents of a file that has no templates, with the labels of this release. The playground applies the same files. */}}
{{- define "catalyst-operator.labelled" -}}
{{- $labels := include "catalyst-operator.labels" (index . 0) | fromYaml }}
{{- range splitList "\n---\n" (index . 1) }}
{{- $object := fromYaml . }}
{{- $_ := set $object.metadata "labels" (merge (dict) $labels ($object.metadata.labels | default dict)) }}
{{- with (index $ 0).Values.commonAnnotations }}
{{- $_ := set $object.metadata "annotations" (merge (dict) ($object.metadata.annotations | default dict) .) }}
{{- end }}
---
{{ toYaml $object }}
{{- end }}
{{- end -}}

{{- /* The name of the release that owns a live object, or nothing. Helm refuses to install over an object that it does not own. */}}
{{- define "catalyst-operator.owner" -}}
{{- dig "metadata" "annotations" "meta.helm.sh/release-name" "" . -}}
{{- end -}}

{{- /* Refuses to write into a live object that is being deleted: the release would lose it at the end of the deletion. */}}
{{- define "catalyst-operator.refuseDeleted" -}}
{{- with dig "metadata" "deletionTimestamp" "" . }}
{{- fail (printf "\n\n%s %s is being deleted, since %s. Wait until it is gone, and then run this again.\nWhat holds it up is in its conditions:\n\n  kubectl get %s %s -o yaml" $.kind $.metadata.name . (lower $.kind) $.metadata.name) }}
{{- end }}
{{- end -}}

{{- /* What to do after these commands, because Helm 4 replaces no field that another client owns. */}}
{{- define "catalyst-operator.conflict" -}}
If Helm 4 then reports a conflict with the client that made the object, add --force-conflicts.
{{- end -}}

{{- /* The commands that hand an object over to this release. */}}
{{- define "catalyst-operator.adoption" -}}
{{- $object := printf "%s %s" (index . 1) (index . 2) }}
{{- with (index . 0) -}}
kubectl annotate --overwrite {{ $object }} meta.helm.sh/release-name={{ .Release.Name }} meta.helm.sh/release-namespace={{ .Release.Namespace }} && kubectl label --overwrite {{ $object }} app.kubernetes.io/managed-by=Helm
{{- end -}}
{{- end -}}
