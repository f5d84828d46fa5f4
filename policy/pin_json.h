/* Pins in JSON: the arrays `presented`, `expected` and `pins`. */
#ifndef TLSGRAFT_PIN_JSON_H
#define TLSGRAFT_PIN_JSON_H

#include <jansson.h>

#include "policy/pin.h"

/*
 * Adds a pin to an array as `sha256//BASE64`, once: one rule may be there for several ports, and several may
 * have the same key. Short of memory it is left out.
 */
void pin_add_to_json(json_t *array, const struct pin *pin);

#endif
