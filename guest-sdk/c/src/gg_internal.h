/* What the sources of the SDK share and components do not see. */
#ifndef GG_INTERNAL_H
#define GG_INTERNAL_H

#include "gg_host.h"

/* Memory that cannot be had ends the component: the host then starts a fresh one. */
void *gg_must(void *memory);

/* A copy with a NUL behind it. */
char *gg_text_of(const void *bytes, size_t length);

/* The host only reads what it is given. */
gg_string_t gg_string_of(const char *text);

/* Keep why a call failed, and free it; always false. */
bool gg_failed_with(gg_host_types_error_t *error);

/* The same of what is found on this side: GG_HOST_TYPES_ERROR_INVALID_ARGUMENT, ... */
bool gg_failed_as(uint8_t kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
