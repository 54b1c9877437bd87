/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Verilated adapter as a C library.
 *
 * One weft_sim is one adapter: RTL, soft core and firmware, with models of PCIe (latency,
 * bandwidth) and of the Ethernet link around it. It has no thread: it moves only inside
 * weft_sim_step, weft_sim_bar_* and weft_sim_reset, and calls its callbacks from inside those. Same
 * calls, same inputs: same cycle count, every run (in cycle time). A weft_sim belongs to one thread
 * at a time; several may live in one process.
 */
#ifndef WEFT_SIM_H
#define WEFT_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_sim;
struct weft_flash; /* sim/model/flash.h */

#define WEFT_SIM_CLK_NS 4 /* nominal 250 MHz */
#define WEFT_SIM_FRAME_MAX 9216

/*
 * Callbacks; ctx is the value given to weft_sim_create. Those of the host side must not call back
 * into the sim.
 */
struct weft_sim_ops {
	/*
	 * Host memory. 0, or a negative errno that the adapter sees as an AXI error response
	 * (SLVERR). len: 1..4096.
	 */
	int (*dma_read)(void *ctx, uint64_t iova, void *buf, size_t len);
	int (*dma_write)(void *ctx, uint64_t iova, const void *buf, size_t len);
	/* MSI-X message for vector. */
	void (*irq)(void *ctx, unsigned int vector);
	/*
	 * A frame left on the Ethernet port, without FCS, not padded. at_ns: device time of its
	 * last bit on the wire.
	 */
	void (*eth_tx)(void *ctx, const void *frame, size_t len, uint64_t at_ns);
	/*
	 * A unit left on the Fibre Channel port (see weft_sim_fc_rx). at_ns as above. NULL: the port
	 * has no cable
	 */
	void (*fc_tx)(void *ctx, const void *unit, size_t len, uint64_t at_ns);
};

/*
 * What passes an FC-1 port, one unit per call and per datagram. A frame: SOF word (code of RFC 3643,
 * three zero bytes), header, data field, CRC (least significant byte first), EOF word (code, three
 * zero bytes): 36..2148 bytes. Or a primitive, WEFT_FC_PRIM_LEN bytes: FFh, WEFT_FC_PRIM_*, count
 * (big-endian, of R_RDYs; else 1). Primitives but R_RDY are sent once when the port begins to send
 * them; they hold until another comes.
 */
#define WEFT_FC_PRIM_LEN 4
#define WEFT_FC_PRIM_IDLE 0
#define WEFT_FC_PRIM_NOS 1
#define WEFT_FC_PRIM_OLS 2
#define WEFT_FC_PRIM_LR 3
#define WEFT_FC_PRIM_LRR 4
#define WEFT_FC_PRIM_R_RDY 5
#define WEFT_FC_PRIM_LOS 6 /* no light: the cable was pulled, or the other side is off */
#define WEFT_FC_UNIT_MAX 2148

/* Models around the adapter. All zero: the defaults in brackets. */
struct weft_sim_params {
	/*
	 * ELF for the soft core; NULL: WEFT_FIRMWARE, build/firmware/weft.elf, firmware/weft.elf
	 * beside the program or ../share/weft/weft.elf from there; "": none, held
	 */
	const char *firmware;
	/*
	 * Where the adapter boots from: each start and reset goes through the boot ROM, and firmware
	 * above is not looked at. Stays the caller's and must outlive the adapter, which is its only
	 * user meanwhile; time on it is device time. NULL: none, the loader writes firmware
	 */
	struct weft_flash *flash;
	/* With flash: ELF of the boot ROM; NULL, "": as firmware, with WEFT_ROM and rom.elf */
	const char *rom;
	uint32_t board_id;          /* what the hardware configuration says the board is */
	uint8_t key_hash[32];       /* and SHA-256 of the public key that images are signed with */
	uint32_t pcie_read_ns;      /* latency of a host memory read [800]; 1: none */
	uint32_t pcie_write_ns;     /* latency of a write response [200]; 1: none */
	uint32_t pcie_mbytes_per_s; /* bandwidth each way [7000] */
	/* Ethernet line rate each way [25000]; preamble, FCS and gap are counted */
	uint32_t link_mbit_per_s;
	/* FC data rate each way, after line coding [27200: 32GFC]; idles between frames are counted */
	uint32_t fc_mbit_per_s;
	uint32_t backpressure_seed; /* not 0: random stalls on every AXI and AXI-Stream handshake */
	bool wall_time; /* device time follows CLOCK_MONOTONIC in place of the cycle count */
};

/*
 * key_hash from text: 64 hexadecimal digits, or the name of a file with an Ed25519 public key (DER or
 * PEM). -EINVAL, or what opening the file says; both said on stderr.
 */
int weft_sim_key(const char *text, uint8_t hash[32]);
/* board_id from text: a number up to 2^32 - 1, hexadecimal after 0x. -EINVAL. */
int weft_sim_board(const char *text, uint32_t *board);
/*
 * The flash in a file, which is made, erased, if it is not there; its golden image is write-protected.
 * The caller's, to be ended with weft_flash_close after the adapter. Errors of weft_flash_open, said
 * on stderr.
 */
int weft_sim_flash_file(const char *path, struct weft_flash **flash);

/*
 * Makes an adapter in reset with its firmware, or boot ROM, loaded, then runs it out of reset: its
 * power comes on. -ENOENT/-ENOEXEC (firmware file missing or unfit, named on stderr), -ENOMEM.
 */
int weft_sim_create(const struct weft_sim_params *params, const struct weft_sim_ops *ops, void *ctx,
		    struct weft_sim **sim);
void weft_sim_destroy(struct weft_sim *sim);
/* Function-level reset; firmware is loaded anew, by the boot ROM if there is a flash. Frames in flight are lost. */
void weft_sim_reset(struct weft_sim *sim);

/*
 * BAR 0. size 1, 2, 4 or 8; steps the clock until the access is done. -EINVAL outside the BAR,
 * -EIO: no answer in 10,000 cycles.
 */
int weft_sim_bar_read(struct weft_sim *sim, uint64_t off, unsigned int size, uint64_t *val);
int weft_sim_bar_write(struct weft_sim *sim, uint64_t off, unsigned int size, uint64_t val);

/*
 * Steps at most cycles clock cycles; stops early when idle (see weft_sim_idle). Returns the cycles
 * stepped.
 */
uint64_t weft_sim_step(struct weft_sim *sim, uint64_t cycles);
/*
 * True when nothing can happen before the next BAR access, frame or timer: no work in the RTL,
 * models or firmware.
 */
bool weft_sim_idle(const struct weft_sim *sim);
/* Device time at which the firmware's next timer fires; UINT64_MAX: none. */
uint64_t weft_sim_next_timer(const struct weft_sim *sim);
/* Cycle time only: lets device time jump forward to ns while idle (never past the next timer). */
void weft_sim_skip_to(struct weft_sim *sim, uint64_t ns);
uint64_t weft_sim_now(const struct weft_sim *sim);    /* device time, ns */
uint64_t weft_sim_cycles(const struct weft_sim *sim); /* cycles really stepped */
/* cycles of device time, skipped ones included */
uint64_t weft_sim_clocks(const struct weft_sim *sim);

/*
 * Hands in a frame (14..WEFT_SIM_FRAME_MAX bytes, no FCS). Copied. -EAGAIN: 256 frames wait
 * already; -EMSGSIZE.
 */
int weft_sim_eth_rx(struct weft_sim *sim, const void *frame, size_t len);
/* The same with the MAC's bad-FCS mark. */
int weft_sim_eth_rx_bad(struct weft_sim *sim, const void *frame, size_t len);

/*
 * Hands in a unit of the FC port's other side. Copied. The port begins without light; any primitive
 * but LOS, or a frame, is light. -EAGAIN: 256 wait already; -EMSGSIZE, -EINVAL (neither a frame's
 * length nor a primitive).
 */
int weft_sim_fc_rx(struct weft_sim *sim, const void *unit, size_t len);
/* A frame with the port's mark of a bad code. */
int weft_sim_fc_rx_bad(struct weft_sim *sim, const void *unit, size_t len);

/* Holds the MAC's transmit side (tready low) while what eth_tx gave cannot be passed on. */
void weft_sim_eth_hold(struct weft_sim *sim, bool hold);

/*
 * FST waves of the window [from, to) in cycles; to = 0: until the end. -EBUSY when on already,
 * -ENOTSUP in builds without.
 */
int weft_sim_waves(struct weft_sim *sim, const char *path, uint64_t from, uint64_t to);
/*
 * Firmware log lines since the last call, as text; returns bytes written (at most len - 1, NUL
 * added).
 */
size_t weft_sim_log(struct weft_sim *sim, char *buf, size_t len);

#ifdef __cplusplus
}
#endif
#endif
