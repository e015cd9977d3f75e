{{/* The chart's name, or nameOverride. */}}
{{- define "understudy.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* What every object's name begins with. Room is left for the longest ending. */}}
{{- define "understudy.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* The chart's name and version, as a label. */}}
{{- define "understudy.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "understudy.labels" -}}
helm.sh/chart: {{ include "understudy.chart" . }}
{{ include "understudy.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Labels by which objects find each other: they never change. */}}
{{- define "understudy.selectorLabels" -}}
app.kubernetes.io/name: {{ include "understudy.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The image of a component: (list . "understudy-router"). */}}
{{- define "understudy.image" -}}
{{- $root := index . 0 }}
{{- $image := $root.Values.image }}
{{- with $image.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ index . 1 }}:{{ default $root.Chart.AppVersion $image.tag }}
{{- end }}

{{/* What every pod's specification begins with. */}}
{{- define "understudy.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The securityContext of every container. */}}
{{- define "understudy.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where pods of a component go: the component's values. */}}
{{- define "understudy.scheduling" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Keys of Secrets as files: (dict "secrets" names). */}}
{{- define "understudy.secretsVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range .secrets }}
      - secret: {name: {{ . }}}
      {{- end }}
{{- end }}

{{- define "understudy.tlsVolume" -}}
- name: tls
  secret: {secretName: {{ .secret }}, defaultMode: 0440}
{{- end }}

{{/* A server's certificate, and whose certificates clients have to have. */}}
{{- define "understudy.serverTls" -}}
certificate_file: /run/secrets/understudy-tls/tls.crt
key_file: /run/secrets/understudy-tls/tls.key
{{- if .Values.tls.mutual }}
client_ca_file: /run/secrets/understudy-tls/ca.crt
{{- end }}
{{- end }}

{{/* Address and port of each component's gRPC service, as clients of this namespace name it. */}}
{{- define "understudy.routerTarget" -}}
dns:///{{ include "understudy.fullname" . }}-router:50051
{{- end }}
{{- define "understudy.notifierTarget" -}}
dns:///{{ include "understudy.fullname" . }}-notifier:50052
{{- end }}

{{/* Files of Secrets that a configuration names have to come from somewhere:
     (dict "component" name "values" its-values "config" text). */}}
{{- define "understudy.checkSecrets" -}}
{{- if and (contains "/run/secrets/understudy/" .config) (not .values.secrets) }}
{{- fail (printf "%s.config names a file below /run/secrets/understudy, but %s.secrets names no Secret" .component .component) }}
{{- end }}
{{- end }}

{{/* router.yaml: what the chart knows, and router.config. */}}
{{- define "understudy.routerConfig" -}}
{{- $config := deepCopy .Values.router.config }}
{{- $grpc := merge (dict "listen" "0.0.0.0:50051") (default dict $config.grpc) }}
{{- $notifier := dict "target" (include "understudy.notifierTarget" .)
      "outbox_dir" "/var/lib/understudy/outbox"
      "outbox_max_bytes" (int64 .Values.router.outboxBytes) }}
{{- if .Values.tls.enabled }}
{{- $_ := set $grpc "tls" (include "understudy.serverTls" . | fromYaml) }}
{{- $client := dict "ca_file" "/run/secrets/understudy-tls/ca.crt" }}
{{- if .Values.tls.mutual }}
{{- $_ := set $client "certificate_file" "/run/secrets/understudy-tls/tls.crt" }}
{{- $_ := set $client "key_file" "/run/secrets/understudy-tls/tls.key" }}
{{- end }}
{{- $_ := set $notifier "tls" $client }}
{{- end }}
{{- $_ := set $config "grpc" $grpc }}
{{- $_ := set $config "admin" (dict "listen" "0.0.0.0:9090") }}
{{- $_ := set $config "notifier" $notifier }}
{{- if .Values.router.numbersApi.enabled }}
{{- $http := dict "listen" "0.0.0.0:8080" }}
{{- if and .Values.tls.enabled .Values.tls.http }}
{{- $_ := set $http "tls" (pick $grpc.tls "certificate_file" "key_file") }}
{{- end }}
{{- $_ := set $config "http" $http }}
{{- $_ := set $config "numbers_database" "/var/lib/understudy-numbers/numbers.db" }}
{{- end }}
{{- if .Values.router.bins }}
{{- $bins := dict }}
{{- range $name, $_ := .Values.router.bins }}
{{- $_ := set $bins $name (dict "document_file" (printf "%s.xml" $name)) }}
{{- end }}
{{- $_ := set $config "bins" $bins }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/* notifier.yaml: what the chart knows, and notifier.config. */}}
{{- define "understudy.notifierConfig" -}}
{{- $config := deepCopy .Values.notifier.config }}
{{- $grpc := dict "listen" "0.0.0.0:50052" }}
{{- $http := merge (dict "listen" "0.0.0.0:8081") (default dict $config.http) }}
{{- if .Values.tls.enabled }}
{{- $_ := set $grpc "tls" (include "understudy.serverTls" . | fromYaml) }}
{{- if .Values.tls.http }}
{{- $_ := set $http "tls" (pick $grpc.tls "certificate_file" "key_file") }}
{{- end }}
{{- end }}
{{- $_ := set $config "grpc" $grpc }}
{{- $_ := set $config "http" $http }}
{{- $_ := set $config "admin" (dict "listen" "0.0.0.0:9091") }}
{{- $_ := set $config "store" (merge (dict "sqlite" "/var/lib/understudy/notifier.db")
      (default dict $config.store)) }}
{{- if not $config.mail.smtp }}
{{- $_ := set $config.mail "directory" "/var/lib/understudy/mail" }}
{{- end }}
{{- toYaml $config }}
{{- end }}
