{{- define "aiduet.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end -}}
{{- end }}

{{- define "aiduet.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "aiduet.labels" -}}
{{ include "aiduet.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* Settings as variables: sections and keys joined by two underscores, lists as JSON. */}}
{{- define "aiduet.variables" -}}
{{- $path := .path -}}
{{- range $key, $value := .settings }}
{{- $name := printf "%s__%s" $path (upper $key) }}
{{- if kindIs "map" $value }}
{{- include "aiduet.variables" (dict "path" $name "settings" $value) }}
{{- else }}
- name: {{ $name }}
  value: {{ (kindIs "slice" $value | ternary (toJson $value) (toString $value)) | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* What every process of the release gets. */}}
{{- define "aiduet.environment" -}}
{{- include "aiduet.variables" (dict "path" "AIDUET" "settings" .Values.settings) }}
{{- range $setting, $file := .Values.secrets.files }}
{{- if not (and (eq $.Values.storage "sqlite") (hasPrefix "database." $setting)) }}
- name: AIDUET__{{ $setting | upper | replace "." "__" }}
  value: /run/secrets/aiduet/{{ $file }}
{{- end }}
{{- end }}
- name: AIDUET__DATABASE__URL
  value: {{ eq .Values.storage "sqlite" | ternary "sqlite:///data/aiduet.db" "" | quote }}
- name: AIDUET__DATABASE__MIGRATE_ON_START
  value: {{ eq .Values.storage "sqlite" | quote }}
- name: AIDUET__SERVER__ADMIN_LISTEN
  value: "[::]:9090"
- name: AIDUET__SERVER__LISTEN
  value: "[::]:8080"
{{- end }}

{{/* A container that can do nothing but its work. */}}
{{- define "aiduet.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  {{- include "aiduet.environment" . | trim | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- define "aiduet.pod" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: secrets
    secret: { secretName: {{ .Values.secrets.existingSecret }}, defaultMode: 0440 }
  - name: temporary
    emptyDir: { medium: Memory, sizeLimit: 16Mi }
{{- end }}
