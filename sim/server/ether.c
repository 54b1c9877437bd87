// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ether.h"

#define IN_MAX 64       /* frames taken from the socket and not yet in the adapter */
#define HOLD_MAX 16     /* frames waiting for a full socket before the adapter must stop */
#define RETRY_NS 200000 /* a UNIX datagram socket cannot tell when its peer's queue has room */

static int failed(const char *what, const char *name)
{
	int err = errno;

	fprintf(stderr, "weft-sim: %s %s: %s\n", what, name, strerror(err));
	return -err;
}

static int open_tap(struct ether *e, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (!*name || strlen(name) >= IFNAMSIZ) {
		errno = EINVAL;
		return failed("TAP device", name);
	}
	e->sock.fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (e->sock.fd < 0)
		return failed("TAP device", "/dev/net/tun");
	strcpy(ifr.ifr_name, name);
	if (ioctl(e->sock.fd, TUNSETIFF, &ifr))
		return failed("TAP device", name);
	return 0;
}

int ether_open(struct ether *e, const char *spec, const struct weft_link_params *faults)
{
	struct weft_link_params in = *faults;

	memset(e, 0, sizeof(*e));
	e->sock.fd = -1;
	weft_link_init(&e->out, faults);
	in.seed += 0x5bd1e995;
	weft_link_init(&e->in, &in);
	if (!spec)
		return 0;
	if (!strncmp(spec, "tap:", 4))
		return open_tap(e, spec + 4);
	if (!strncmp(spec, "dgram:", 6))
		return dgram_open(&e->sock, "weft-sim: Ethernet", spec + 6);
	errno = EINVAL;
	return failed("Ethernet port", spec);
}

void ether_close(struct ether *e)
{
	dgram_close(&e->sock);
	weft_link_clear(&e->in);
	weft_link_clear(&e->out);
	weft_pcapng_close(e->capture);
}

void ether_sent(struct ether *e, const void *frame, size_t len, uint64_t now_ns)
{
	if (e->capture)
		weft_pcapng_write(e->capture, frame, len, now_ns, true);
	if (e->sock.fd >= 0)
		weft_link_send(&e->out, frame, len, now_ns);
}

/* --- out -------------------------------------------------------------------------------------- */

/* False: no room now. */
static bool send_frame(struct ether *e, const struct weft_link_frame *f)
{
	int ret = 0;

	if (*e->sock.local)
		ret = dgram_send(&e->sock, f->bytes, f->len);
	else if (write(e->sock.fd, f->bytes, f->len) < 0)
		ret = errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? -EAGAIN : -EIO;
	e->unplugged += ret && ret != -EAGAIN;
	return ret != -EAGAIN;
}

static void move_out(struct ether *e, uint64_t now_ns)
{
	struct weft_link_frame *f;

	e->blocked = false;
	while (weft_link_next(&e->out) <= now_ns) {
		f = e->out.head;
		/* a frame with a bad FCS dies in the next MAC */
		if (!f->bad_fcs && !send_frame(e, f)) {
			e->blocked = true;
			e->retry_ns = now_ns + RETRY_NS;
			return;
		}
		free(weft_link_take(&e->out, now_ns));
	}
}

/* --- in --------------------------------------------------------------------------------------- */

static unsigned int waiting(const struct weft_link *link, uint64_t now_ns, unsigned int max)
{
	const struct weft_link_frame *f;
	unsigned int n = 0;

	for (f = link->head; f && n < max && f->due_ns <= now_ns; f = f->next)
		n++;
	return n;
}

static void read_frames(struct ether *e, uint64_t now_ns)
{
	uint8_t frame[WEFT_SIM_FRAME_MAX + 1];
	unsigned int room = IN_MAX - waiting(&e->in, now_ns, IN_MAX);
	ssize_t n;

	while (room--) {
		n = read(e->sock.fd, frame, sizeof(frame));
		if (n < 0)
			return;
		if (n < 14 || n > WEFT_SIM_FRAME_MAX)
			e->odd++;
		else
			weft_link_send(&e->in, frame, (size_t)n, now_ns);
	}
}

static void move_in(struct ether *e, struct weft_sim *sim, uint64_t now_ns)
{
	struct weft_link_frame *f;
	int ret;

	if (e->sock.fd >= 0)
		read_frames(e, now_ns);
	while (weft_link_next(&e->in) <= now_ns) {
		f = e->in.head;
		ret = f->bad_fcs ? weft_sim_eth_rx_bad(sim, f->bytes, f->len) :
				   weft_sim_eth_rx(sim, f->bytes, f->len);
		if (ret == -EAGAIN)
			return;
		if (e->capture && !f->bad_fcs)
			weft_pcapng_write(e->capture, f->bytes, f->len, now_ns, false);
		free(weft_link_take(&e->in, now_ns));
	}
}

void ether_move(struct ether *e, struct weft_sim *sim)
{
	uint64_t now = weft_sim_now(sim);

	move_out(e, now);
	weft_sim_eth_hold(sim, e->blocked && waiting(&e->out, now, HOLD_MAX) == HOLD_MAX);
	move_in(e, sim, now);
}

uint64_t ether_next(const struct ether *e)
{
	uint64_t in = weft_link_next(&e->in), out = weft_link_next(&e->out);

	if (e->blocked)
		out = e->retry_ns;
	return in < out ? in : out;
}
