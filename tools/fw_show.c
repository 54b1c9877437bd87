/* SPDX-License-Identifier: BSD-2-Clause */
/* What a flash holds, for people and for programs. */
#include <string.h>

#include "fw.h"
#include "weft_host.h"

/* With these the adapter could read no version. */
static bool unreadable(const struct weft_fw_slot *s)
{
	return s->error == WEFT_FWE_EMPTY || s->error == WEFT_FWE_HEADER ||
	       s->error == WEFT_FWE_TLV || s->error == WEFT_FWE_READ;
}

void fw_version(const struct weft_fw_slot *s, char *to, size_t len)
{
	if (unreadable(s))
		snprintf(to, len, "%s", weft_fw_error_text(s->error));
	else
		snprintf(to, len, "%u.%u.%u+%u", s->major, s->minor, s->revision, s->build);
}

void fw_summary(const struct weft_fw_info *info, char *to, size_t len)
{
	char version[48];
	int n;

	if (info->running >= 1 && info->running <= WEFT_FW_SLOTS)
		fw_version(&info->slot[info->running - 1], version, sizeof(version));
	else
		snprintf(version, sizeof(version), "firmware that a host loaded");
	n = snprintf(to, len, "running %s (slot %u%s)", version, info->running,
		     info->on_trial ? ", on trial" : "");
	for (unsigned int i = 0; i < WEFT_FW_SLOTS && n > 0 && (size_t)n < len; i++) {
		if (i + 1u == info->running)
			continue;
		fw_version(&info->slot[i], version, sizeof(version));
		n += snprintf(to + n, len - (size_t)n, "; slot %u: %s", i + 1, version);
	}
}

static const struct {
	uint8_t bit;
	const char *name;
} states[] = {
	{ WEFT_FWS_RUNNING, "running" },     { WEFT_FWS_ACTIVE, "active" },
	{ WEFT_FWS_PREVIOUS, "previous" },   { WEFT_FWS_NEXT, "next" },
	{ WEFT_FWS_WRITABLE, "free" },       { WEFT_FWS_WRITING, "being written" },
	{ WEFT_FWS_UNSOUND, "passed over" },
};

static void state_text(uint8_t state, char *to, size_t len)
{
	size_t n = 0;

	to[0] = '\0';
	for (unsigned int i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if ((state & states[i].bit) && n < len)
			n += (size_t)snprintf(to + n, len - n, "%s%s", n ? ", " : "",
					      states[i].name);
}

static struct json_object *slot_json(const struct weft_fw_slot *s, unsigned int number)
{
	struct json_object *o = json_object_new_object();
	char text[96];

	put_u64(o, "slot", number);
	json_object_object_add(o, "image", json_object_new_string(weft_fw_error_text(s->error)));
	put_u64(o, "error", s->error);
	if (!unreadable(s)) {
		fw_version(s, text, sizeof(text));
		json_object_object_add(o, "version", json_object_new_string(text));
		put_u64(o, "counter", s->counter);
		put_u64(o, "size", s->size);
		put_u64(o, "board", s->board);
	}
	state_text(s->state, text, sizeof(text));
	json_object_object_add(o, "state", json_object_new_string(text));
	return o;
}

struct json_object *fw_json(const struct weft_fw_info *info)
{
	struct json_object *o = json_object_new_object(), *slots = json_object_new_array();
	char hash[2 * sizeof(info->key_hash) + 1];

	for (unsigned int i = 0; i < sizeof(info->key_hash); i++)
		snprintf(hash + 2 * i, 3, "%02x", info->key_hash[i]);
	put_u64(o, "board", info->board);
	json_object_object_add(o, "key_hash", json_object_new_string(hash));
	put_u64(o, "counter", info->counter);
	json_object_object_add(o, "boot_rom", json_object_new_boolean(info->rom));
	put_u64(o, "running", info->running);
	json_object_object_add(o, "on_trial", json_object_new_boolean(info->on_trial));
	put_u64(o, "active", info->active);
	put_u64(o, "previous", info->previous);
	put_u64(o, "next", info->next);
	put_u64(o, "failed", info->failed);
	json_object_object_add(o, "why", json_object_new_string(weft_fw_error_text(info->why)));
	json_object_object_add(o, "watchdog", json_object_new_boolean(info->watchdog));
	json_object_object_add(o, "no_record", json_object_new_boolean(info->no_record));
	for (unsigned int i = 0; i < WEFT_FW_SLOTS; i++)
		json_object_array_add(slots, slot_json(&info->slot[i], i + 1));
	json_object_object_add(o, "slots", slots);
	return o;
}

void fw_print(const struct weft_fw_info *info)
{
	char version[48], state[96];

	printf("board %u, security counter %u\n", info->board, info->counter);
	for (unsigned int i = 0; i < WEFT_FW_SLOTS; i++) {
		const struct weft_fw_slot *s = &info->slot[i];

		fw_version(s, version, sizeof(version));
		state_text(s->state, state, sizeof(state));
		printf("slot %u  %-20s", i + 1, version);
		if (!unreadable(s))
			printf("  counter %-4u %7u bytes", s->counter, s->size);
		printf("  %s%s%s\n", state, s->error && !unreadable(s) ? "; " : "",
		       s->error && !unreadable(s) ? weft_fw_error_text(s->error) : "");
	}
	if (info->on_trial)
		printf("slot %u is on trial: weft fw confirm keeps it\n", info->running);
	if (info->next)
		printf("the next reset tries slot %u\n", info->next);
	if (info->failed)
		printf("the last trial, of slot %u, failed: %s\n", info->failed,
		       weft_fw_error_text(info->why));
	if (info->no_record)
		puts("the boot record cannot be written: no trial is started");
	if (!info->rom)
		puts("the firmware was loaded by a host, not from this flash");
}
