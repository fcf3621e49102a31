{{/* SPDX-License-Identifier: GPL-3.0-or-later */}}
{{- define "hello.name" -}}{{ .Release.Name }}-hello{{- end -}}
