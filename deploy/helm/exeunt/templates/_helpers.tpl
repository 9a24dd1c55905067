{{- define "exeunt.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "exeunt.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "exeunt.selector" -}}
app.kubernetes.io/name: {{ include "exeunt.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "exeunt.labels" -}}
{{ include "exeunt.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "exeunt.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "exeunt.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "exeunt.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "exeunt.cluster" -}}
{{ include "exeunt.fullname" . }}-db
{{- end -}}

{{- /* The host of the issuer, for the ingress. */ -}}
{{- define "exeunt.host" -}}
{{- default (get (urlParse .Values.issuer) "host") .Values.ingress.host -}}
{{- end -}}

{{- define "exeunt.logoutDurability" -}}
{{- if .Values.logoutDurability -}}
{{- .Values.logoutDurability -}}
{{- else if and .Values.database.cloudnativepg.enabled (gt (int .Values.database.cloudnativepg.instances) 1) -}}
replicated
{{- end -}}
{{- end -}}

{{- /* What values.schema.json cannot say. */ -}}
{{- define "exeunt.check" -}}
{{- if not (or .Values.database.existingSecret .Values.database.cloudnativepg.enabled) -}}
{{- fail "set database.existingSecret to a Secret with DATABASE_URL, or database.cloudnativepg.enabled: the chart brings no database of its own" -}}
{{- end -}}
{{- if and .Values.database.existingSecret .Values.database.cloudnativepg.enabled -}}
{{- fail "set either database.existingSecret or database.cloudnativepg.enabled, not both" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.tlsSecretName) -}}
{{- fail "set ingress.tlsSecretName: the issuer is https" -}}
{{- end -}}
{{- if and .Values.database.readReplicas (not .Values.database.cloudnativepg.enabled) -}}
{{- fail "database.readReplicas is for CloudNativePG: put DATABASE_REPLICA_URL into database.existingSecret instead" -}}
{{- end -}}
{{- end -}}
