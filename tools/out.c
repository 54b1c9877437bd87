/* SPDX-License-Identifier: BSD-2-Clause */
/* Output: every verb builds one JSON object; people get it as lines. */
#include <string.h>

#include "weft.h"

void json_print(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
}

/*
 * A fixed-size, blank-padded or NUL-terminated text of the wire; what is not printable becomes '?'.
 */
struct json_object *json_text(const char *s, size_t max)
{
	char copy[512];
	size_t i, n = strnlen(s, max < sizeof(copy) - 1 ? max : sizeof(copy) - 1);

	for (i = 0; i < n; i++)
		copy[i] = s[i] >= 0x20 && s[i] < 0x7f ? s[i] : '?';
	while (n && copy[n - 1] == ' ')
		n--;
	copy[n] = '\0';
	return json_object_new_string(copy);
}

void put_u64(struct json_object *o, const char *key, uint64_t v)
{
	json_object_object_add(o, key, json_object_new_uint64(v));
}

static void lines(struct json_object *o, int indent)
{
	json_object_object_foreach(o, key, val)
	{
		size_t i, n;

		switch (json_object_get_type(val)) {
		case json_type_object:
			printf("%*s%s\n", indent, "", key);
			lines(val, indent + 2);
			break;
		case json_type_array:
			n = json_object_array_length(val);
			for (i = 0; i < n; i++) {
				struct json_object *e = json_object_array_get_idx(val, i);

				if (json_object_is_type(e, json_type_object)) {
					printf("%*s%s %zu\n", indent, "", key, i);
					lines(e, indent + 2);
				} else {
					printf("%*s%s[%zu] : %s\n", indent, "", key, i,
					       json_object_get_string(e));
				}
			}
			break;
		default:
			printf("%*s%-*s : %s\n", indent, "", 18 - indent, key,
			       json_object_get_string(val));
		}
	}
}

/* Takes the object. */
void show(const struct config *cfg, struct json_object *o)
{
	if (cfg->json)
		json_print(o);
	else
		lines(o, 0);
	json_object_put(o);
}
