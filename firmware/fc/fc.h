/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Fibre Channel port: link initialisation, FIP, logins, the fabric's services, remote ports
 * (FC-FS, FC-LS, FC-GS, FC-BB). What runs between two ports once they are logged in (exchanges of
 * commands and FC-4 link services) is fc_nvme/.
 *
 *   fc_frame.c    frames in and out of the engines         fc_link.c    link state machine
 *   fc_port.c     the port: start, stop, what it tells     fc_login.c   FLOGI, topology
 *   fc_session.c  PLOGI, PRLI, ADISC, LOGO that we send    fc_answer.c  requests that come
 *   fc_els.c      exchanges of link services               fc_param.c   service parameters
 *   fc_ns.c       name server, SCR, RSCN                   fip.c        FCoE VN2VN
 *   fc_rport.c    the table of remote ports                fip_ls.c     link services inside FIP
 *   fc_rrq.c      RRQ, after aborts
 */
#ifndef FC_H
#define FC_H

#include "hal/hal_fc.h"

/* --- a frame header in host order ------------------------------------------------------------- */

struct fc_hdr {
	uint8_t r_ctl, type, cs_ctl, df_ctl, seq_id;
	uint16_t seq_cnt, ox_id, rx_id;
	uint32_t d_id, s_id, f_ctl, param;
};

#define FC_XID_NONE 0xffffu
/*
 * Exchange ids: slot in bits 10:0 and a generation 0..30 above are fc_nvme's. Those of generation 31
 * are the port's own (link services of FC-LS and FC-GS), FFFFh excepted.
 */
#define FC_XID_OWN 0xf800u

void fc_hdr_get(const uint8_t wire[24], struct fc_hdr *h);
void fc_hdr_put(uint8_t wire[24], const struct fc_hdr *h);

/* --- the port ---------------------------------------------------------------------------------- */

void fc_init(void);
/* Admin opcodes; 0 or a positive errno. page: dw[3] as docs/abi.md says. */
uint16_t fc_port_set(const struct weft_arg_fc_port *arg);
uint16_t fc_port_get(uint16_t page, uint32_t dw[3]);
uint16_t fc_rport_get(uint16_t index, uint16_t page, uint32_t dw[3]);
uint16_t fc_rscn(void);
uint16_t fc_logout(uint16_t index);

/* What the port knows of itself. */
struct fc_port {
	uint64_t wwpn, wwnn;
	uint32_t port_id; /* 0: none */
	uint8_t mode;     /* WEFT_FCM_* */
	uint8_t roles;    /* WEFT_FCR_* */
	uint8_t state;    /* WEFT_FCS_* */
	uint8_t topology; /* WEFT_FCT_* */
	uint16_t max_data;
	uint32_t e_d_tov_ms, r_a_tov_ms;
	uint32_t first_burst;
	uint8_t mac[6];
};
extern struct fc_port fc_port;

/* Counts EVT_FC_TXDONE: while it moves, the other port gives credit. */
extern uint32_t fc_tx_moved;

/* --- remote ports ------------------------------------------------------------------------------ */

struct fc_rport {
	uint64_t wwpn, wwnn;
	uint32_t port_id;
	uint16_t max_data;    /* bytes of payload it takes in a frame */
	uint8_t roles;        /* WEFT_FCR_*, as its PRLI says */
	bool ready;           /* PRLI for NVMe is through: FC-4 traffic may pass */
	uint32_t first_burst; /* bytes agreed, 0: none */
};

const struct fc_rport *fc_rport(uint16_t index); /* NULL: none there, or not ready */
uint16_t fc_rport_by_id(uint32_t port_id);       /* of those that are ready; WEFT_N_RPORT: none */

/*
 * A command or an FC-4 link service came from a port that is not ready here, though it thinks so:
 * it hears LOGO, now and then, and may log in again.
 */
void fc_stranger(uint32_t s_id);

/* The port accepted the abort of an exchange that we began, with a recovery qualifier: in R_A_TOV it hears RRQ. */
void fc_rrq(uint32_t port_id, uint16_t ox_id, uint16_t rx_id);

/* --- what comes and goes, fc_frame.c ------------------------------------------------------------ */

/*
 * Sends a single-frame sequence: header and payload are copied. h->f_ctl without fill bits. False:
 * no record or engine entry is free now; what must not be lost is tried again from a timer.
 */
bool fc_send(const struct fc_hdr *h, const void *payload, uint32_t len);
/* A whole Ethernet frame in FCoE mode. len up to 512. */
bool fc_send_ether(const void *frame, uint32_t len);

/* Events of the engines. */
void fc_event_frame(const struct hal_event *ev);
void fc_event_txdone(const struct hal_event *ev);
void fc_event_link(const struct hal_event *ev);

/*
 * What fc_frame.c hands to the port (fc_els.c, fip.c, fc_link.c): link services of FC-LS (R_CTL 22h,
 * 23h), FC-GS (02h, 03h) and basic link services of own exchanges. The payload is only lent; of a
 * longer one the first FC_LS_MAX bytes are there, total is its real length.
 */
#define FC_LS_MAX 256u
void fc_els_input(const struct fc_hdr *h, const uint8_t *payload, uint32_t len, uint32_t total);
void fip_input(const uint8_t *frame, uint32_t len);
void fc_link_changed(uint32_t status); /* FC_STATUS */

#endif
