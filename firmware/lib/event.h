/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event queue as the main loop and TCP see it: events in their order, with one exception. TCP may
 * take the frames of the connection it is at before the events of others that stand between them
 * (event_frame): those are held back and come next, in their order.
 */
#ifndef EVENT_H
#define EVENT_H

#include "hal.h"

extern uint32_t event_held; /* how many are held back */

void event_init(void);
void event_unhold(struct hal_event *ev);

/* The oldest event is taken; false: there is none. */
static inline bool event_next(struct hal_event *ev)
{
	if (__builtin_expect(event_held, 0)) {
		event_unhold(ev);
		return true;
	}
	if (!hal_event_peek(ev))
		return false;
	hal_event_pop();
	return true;
}

/*
 * The next TCP frame of conn with good checksums is taken. False: none is queued, or too much stands
 * before it.
 */
bool event_frame(uint16_t conn, struct hal_event *ev);

#endif
