/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/event.h"

#define HELD 64u /* a power of two */

static struct hal_event held[HELD];
uint32_t event_held;
static uint32_t first;
static uint16_t clean; /* connection of which no frame is held, while something is */

void event_init(void)
{
	first = event_held = 0;
}

void event_unhold(struct hal_event *ev)
{
	*ev = held[first];
	first = (first + 1) % HELD;
	event_held--;
}

static bool is_frame_of(const struct hal_event *ev, uint16_t conn)
{
	return ev->type == ENG_EVT_FRAME && ev->id == conn && (ev->flags & 1);
}

/* The oldest held event, if it is such a frame: those of the queue must not overtake one that is held. */
static bool from_held(uint16_t conn, struct hal_event *ev)
{
	return is_frame_of(&held[first], conn) && event_next(ev);
}

bool event_frame(uint16_t conn, struct hal_event *ev)
{
	struct hal_event e;

	if (!event_held)
		clean = conn;
	else if (clean != conn)
		return from_held(conn, ev);
	while (event_held < HELD && hal_event_peek(&e)) {
		hal_event_pop();
		if (is_frame_of(&e, conn)) {
			*ev = e;
			return true;
		}
		held[(first + event_held++) % HELD] = e;
	}
	return false;
}
