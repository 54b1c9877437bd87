/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port with both roles that is logged in to another such: a Disconnect Association that comes may
 * be for our host or for our target. The driver knows by the associations that the host has made,
 * which it notes as their link services pass.
 */
#include <stdlib.h>
#include <string.h>

#include "fc.h"

#define LS_ACC 2u
#define LS_CREATE_ASSOC 3u
#define LS_DISCONNECT_ASSOC 5u
/* Where the association's identifier stands */
#define ID_IN_ACC 32u
#define ID_IN_DISCONNECT 16u

static struct wfc_assoc *find(const struct wfc_remote *rem, const uint8_t *id)
{
	struct wfc_assoc *a;

	LIST_FOREACH(a, &rem->assocs, link)
	if (!memcmp(&a->id, id, sizeof(a->id)))
		return a;
	return NULL;
}

static void add(struct wfc_remote *rem, const uint8_t *id)
{
	struct wfc_assoc *a = malloc(sizeof(*a));

	if (!a)
		return;
	memcpy(&a->id, id, sizeof(a->id));
	LIST_INSERT_HEAD(&rem->assocs, a, link);
}

static void drop(struct wfc_assoc *a)
{
	if (!a)
		return;
	LIST_REMOVE(a, link);
	free(a);
}

/* Answered with status 0. */
void wfc_assoc_note(struct wfc_remote *rem, const struct nvmefc_ls_req *req)
{
	const uint8_t *rqst = req->rqstaddr, *rsp = req->rspaddr;

	if (rqst[0] == LS_CREATE_ASSOC && rsp[0] == LS_ACC && req->rsplen >= ID_IN_ACC + 8)
		add(rem, rsp + ID_IN_ACC);
	else if (rqst[0] == LS_DISCONNECT_ASSOC && req->rqstlen >= ID_IN_DISCONNECT + 8)
		drop(find(rem, rqst + ID_IN_DISCONNECT));
}

bool wfc_assoc_is_ours(const struct wfc_remote *rem, const void *rqst, uint32_t len)
{
	const uint8_t *p = rqst;

	return len >= ID_IN_DISCONNECT + 8 && p[0] == LS_DISCONNECT_ASSOC &&
	       find(rem, p + ID_IN_DISCONNECT);
}

void wfc_assoc_forget(struct wfc_remote *rem)
{
	while (!LIST_EMPTY(&rem->assocs))
		drop(LIST_FIRST(&rem->assocs));
}
