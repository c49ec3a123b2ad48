#include "gg_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool gg_models(gg_list_string_t *names) {
  gg_host_types_error_t error;
  return gg_host_inference_models(names, &error) || gg_failed_with(&error);
}

bool gg_describe(const char *model, gg_host_inference_model_info_t *info) {
  gg_string_t which = gg_string_of(model);
  gg_host_types_error_t error;
  return gg_host_inference_describe(&which, info, &error) || gg_failed_with(&error);
}

/* Takes what the raw tensors own. */
static gg_outputs_t outputs_of(gg_host_inference_list_tensor_t *raw) {
  gg_outputs_t outputs = {gg_must(malloc((raw->len + 1) * sizeof *outputs.tensors)), raw->len};
  for (size_t i = 0; i < raw->len; i++) {
    gg_host_inference_tensor_t *from = &raw->ptr[i];
    outputs.tensors[i] = (gg_tensor_t){
        .name = gg_text_of(from->name.ptr, from->name.len),
        .shape = from->shape.len ? from->shape.ptr : NULL,
        .rank = from->shape.len,
        .element = from->element,
        .data = from->data.len ? from->data.ptr : NULL,
        .size = from->data.len,
    };
    gg_string_free(&from->name);
  }
  if (raw->len) free(raw->ptr);
  return outputs;
}

static bool run(const char *model, const gg_tensor_t *inputs, size_t count, uint32_t *deadline_ms, gg_outputs_t *outputs) {
  gg_host_inference_tensor_t *raw = gg_must(malloc((count + 1) * sizeof *raw));
  for (size_t i = 0; i < count; i++) {
    raw[i] = (gg_host_inference_tensor_t){
        .name = gg_string_of(inputs[i].name),
        .shape = {(uint32_t *)inputs[i].shape, inputs[i].rank},
        .element = inputs[i].element,
        .data = {(uint8_t *)inputs[i].data, inputs[i].size},
    };
  }
  gg_string_t which = gg_string_of(model);
  gg_host_inference_list_tensor_t list = {raw, count}, given;
  gg_host_types_error_t error;
  bool done = gg_host_inference_run(&which, &list, deadline_ms, &given, &error);
  free(raw);
  if (!done) return gg_failed_with(&error);
  *outputs = outputs_of(&given);
  return true;
}

bool gg_run(const char *model, const gg_tensor_t *inputs, size_t count, gg_outputs_t *outputs) {
  return run(model, inputs, count, NULL, outputs);
}

bool gg_run_within(const char *model, const gg_tensor_t *inputs, size_t count, uint32_t deadline_ms, gg_outputs_t *outputs) {
  return run(model, inputs, count, &deadline_ms, outputs);
}

void gg_outputs_free(gg_outputs_t *outputs) {
  for (size_t i = 0; i < outputs->count; i++) {
    free((void *)outputs->tensors[i].name);
    free((void *)outputs->tensors[i].shape);
    free((void *)outputs->tensors[i].data);
  }
  free(outputs->tensors);
  *outputs = (gg_outputs_t){0};
}

const gg_tensor_t *gg_output_named(const gg_outputs_t *outputs, const char *name) {
  for (size_t i = 0; i < outputs->count; i++) {
    if (strcmp(outputs->tensors[i].name, name) == 0) return &outputs->tensors[i];
  }
  gg_failed_as(GG_HOST_TYPES_ERROR_NOT_FOUND, "the model gives no %s", name);
  return NULL;
}

/* As the WIT package calls them, and their sizes in bytes; 0 where they differ. */
static const struct {
  const char *name;
  size_t size;
} elements[] = {
    [GG_HOST_INFERENCE_ELEMENT_TYPE_FP16] = {"fp16", 2}, [GG_HOST_INFERENCE_ELEMENT_TYPE_BF16] = {"bf16", 2},
    [GG_HOST_INFERENCE_ELEMENT_TYPE_FP32] = {"fp32", 4}, [GG_HOST_INFERENCE_ELEMENT_TYPE_FP64] = {"fp64", 8},
    [GG_HOST_INFERENCE_ELEMENT_TYPE_I8] = {"i8", 1},     [GG_HOST_INFERENCE_ELEMENT_TYPE_I16] = {"i16", 2},
    [GG_HOST_INFERENCE_ELEMENT_TYPE_I32] = {"i32", 4},   [GG_HOST_INFERENCE_ELEMENT_TYPE_I64] = {"i64", 8},
    [GG_HOST_INFERENCE_ELEMENT_TYPE_U8] = {"u8", 1},     [GG_HOST_INFERENCE_ELEMENT_TYPE_U16] = {"u16", 2},
    [GG_HOST_INFERENCE_ELEMENT_TYPE_U32] = {"u32", 4},   [GG_HOST_INFERENCE_ELEMENT_TYPE_U64] = {"u64", 8},
    [GG_HOST_INFERENCE_ELEMENT_TYPE_BOOLEAN] = {"boolean", 1},
    [GG_HOST_INFERENCE_ELEMENT_TYPE_TEXT] = {"text", 0},
};

bool gg_output_as(const gg_outputs_t *outputs, const char *name, gg_host_inference_element_type_t element,
                  const void **values, size_t *count) {
  const gg_tensor_t *output = gg_output_named(outputs, name);
  if (!output) return false;
  if (output->element != element) {
    return gg_failed_as(GG_HOST_TYPES_ERROR_INVALID_ARGUMENT, "%s holds %s, not %s", name,
                        elements[output->element].name, elements[element].name);
  }
  *values = output->data;
  *count = elements[element].size ? output->size / elements[element].size : 0;
  return true;
}

void *gg_texts(const char *const *strings, size_t count, size_t *size) {
  *size = 0;
  for (size_t i = 0; i < count; i++) *size += sizeof(uint32_t) + strlen(strings[i]);
  char *data = gg_must(malloc(*size + 1)), *at = data;
  for (size_t i = 0; i < count; i++) {
    uint32_t length = (uint32_t)strlen(strings[i]);
    at = (char *)memcpy(at, &length, sizeof length) + sizeof length;
    at = (char *)memcpy(at, strings[i], length) + length;
  }
  return data;
}

char *gg_text(const gg_tensor_t *tensor, size_t index) {
  if (tensor->element != GG_HOST_INFERENCE_ELEMENT_TYPE_TEXT) return NULL;
  const char *at = tensor->data;
  for (size_t left = tensor->size; left >= sizeof(uint32_t); index--) {
    uint32_t length;
    memcpy(&length, at, sizeof length);
    at += sizeof length;
    left -= sizeof length;
    if (length > left) return NULL;
    if (index == 0) return gg_text_of(at, length);
    at += length;
    left -= length;
  }
  return NULL;
}

void gg_softmax(float *scores, size_t count) {
  float most = -INFINITY, sum = 0;
  for (size_t i = 0; i < count; i++) most = fmaxf(most, scores[i]);
  for (size_t i = 0; i < count; i++) {
    /* The greatest ones count 1, also where they are infinite. */
    scores[i] = scores[i] == most ? 1 : expf(scores[i] - most);
    sum += scores[i];
  }
  for (size_t i = 0; i < count; i++) scores[i] /= sum;
}

size_t gg_argmax(const float *scores, size_t count) {
  gg_best_t best = {count, 0};
  gg_top_k(scores, count, &best, 1);
  return best.index;
}

size_t gg_top_k(const float *scores, size_t count, gg_best_t *best, size_t k) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    if (isnan(scores[i])) continue;
    size_t place = found;
    while (place > 0 && best[place - 1].score < scores[i]) place--;
    if (place == k) continue;
    if (found < k) found++;
    memmove(&best[place + 1], &best[place], (found - place - 1) * sizeof *best);
    best[place] = (gg_best_t){i, scores[i]};
  }
  return found;
}

char *gg_label(const char *text, size_t index) {
  for (; index > 0 && *text; index--) {
    text += strcspn(text, "\n");
    if (*text) text++;
  }
  if (!*text) return NULL;
  size_t length = strcspn(text, "\n");
  return gg_text_of(text, length > 0 && text[length - 1] == '\r' ? length - 1 : length);
}
