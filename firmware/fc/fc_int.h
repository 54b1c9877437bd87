/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the Fibre Channel port share. */
#ifndef FC_INT_H
#define FC_INT_H

#include "fc/fc.h"
#include "lib/bytes.h"
#include "lib/timer.h"

/* Well-known addresses */
#define FC_ID_FABRIC 0xfffffeu     /* login server */
#define FC_ID_CONTROLLER 0xfffffdu /* fabric controller: SCR, RSCN */
#define FC_ID_NAMES 0xfffffcu      /* directory server */
#define FC_ID_WELL_KNOWN 0xfffc00u /* from here on no N_Port */

/* Point-to-point: what the port with the higher name gives itself and the other. */
#define FC_ID_PTP_HIGH 0x010102u
#define FC_ID_PTP_LOW 0x010101u

#define RCTL_CT_REQ 0x02u
#define RCTL_CT_RSP 0x03u
#define RCTL_ELS_REQ 0x22u
#define RCTL_ELS_RSP 0x23u
#define RCTL_ABTS 0x81u
#define RCTL_BA_ACC 0x84u
#define RCTL_BA_RJT 0x85u
#define TYPE_BLS 0x00u
#define TYPE_ELS 0x01u
#define TYPE_FCP 0x08u
#define TYPE_CT 0x20u
#define TYPE_NVME 0x28u

#define FCTL_EX_CTX 0x800000u
#define FCTL_END_SEQ 0x080000u
#define FCTL_REQUEST 0x290000u /* first and only sequence, initiative goes over */
#define FCTL_REPLY 0x990000u   /* of the responder, last */
#define FCTL_ABTS 0x090000u

enum els_cmd {
	ELS_LS_RJT = 0x01,
	ELS_LS_ACC = 0x02,
	ELS_PLOGI = 0x03,
	ELS_FLOGI = 0x04,
	ELS_LOGO = 0x05,
	ELS_RTV = 0x0e,
	ELS_RLS = 0x0f,
	ELS_ECHO = 0x10,
	ELS_TEST = 0x11,
	ELS_RRQ = 0x12,
	ELS_REC = 0x13,
	ELS_FPIN = 0x16,
	ELS_PRLI = 0x20,
	ELS_PRLO = 0x21,
	ELS_PDISC = 0x50,
	ELS_FDISC = 0x51,
	ELS_ADISC = 0x52,
	ELS_RSCN = 0x61,
	ELS_SCR = 0x62,
};

enum els_reason {
	RJT_COMMAND = 0x01,
	RJT_LOGIC = 0x03,
	RJT_BUSY = 0x05,
	RJT_PROTOCOL = 0x07,
	RJT_UNABLE = 0x09,
	RJT_UNSUPPORTED = 0x0b,
	RJT_IN_PROGRESS = 0x0e,
};

enum els_explan {
	EXP_NONE = 0x00,
	EXP_PARAMS = 0x01,
	EXP_XID = 0x17,
	EXP_IN_PROGRESS = 0x19,
	EXP_LOGIN = 0x1e,
	EXP_RESOURCES = 0x29,
	EXP_UNSUPPORTED = 0x2c,
	EXP_LENGTH = 0x2d,
};

static inline uint32_t get_be24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline void put_be24(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	put_be16(p + 1, v);
}

static inline uint64_t get_be64(const uint8_t *p)
{
	return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

static inline void put_be64(uint8_t *p, uint64_t v)
{
	put_be32(p, (uint32_t)(v >> 32));
	put_be32(p + 4, (uint32_t)v);
}

/* An N_Port may have it. */
static inline bool fc_id_ok(uint32_t id)
{
	return id && id < FC_ID_WELL_KNOWN;
}

/* --- fc_port.c --------------------------------------------------------------------------------- */

extern struct port_counters {
	uint32_t exchanges; /* of link services, both ways */
	uint32_t aborts_sent, aborts_received;
	uint32_t logins; /* ports that became ready */
	uint32_t link_failures;
} port_counters;

void port_state(uint8_t state, uint8_t topology); /* tells fc_nvme of a change */
void port_id_set(uint32_t id);
void port_defaults(void); /* what a fabric told is forgotten */
uint32_t port_random(void);

/* --- fc_link.c --------------------------------------------------------------------------------- */

void link_init(void);
void link_start(void);
void link_stop(void);
bool link_up(void);                /* frames may pass, or will after a link reset */
void link_credit(uint32_t credit); /* the other port's BB_Credit, after login */
uint32_t link_credit_get(void);
uint32_t link_buffers(void); /* our BB_Credit */

/* --- fc_param.c -------------------------------------------------------------------------------- */

#define LOGIN_LEN 116u
#define PRLI_LEN 24u

/* Service parameters of FLOGI, PLOGI, PDISC and their LS_ACC. */
struct fc_login {
	uint64_t wwpn, wwnn;
	uint32_t bb_credit, bb_size, features;
	uint32_t class3_size;
	bool class3;
	uint32_t r_a_tov_ms, e_d_tov_ms; /* of an F_Port's LS_ACC */
};
#define LOGIN_F_PORT 0x1000u

/* cmd: what the payload begins with; service: ELS_FLOGI or ELS_PLOGI, what it is or answers. */
void param_put_login(uint8_t p[LOGIN_LEN], uint8_t cmd, uint8_t service);
void param_get_login(const uint8_t p[LOGIN_LEN], struct fc_login *l);
/* Bytes of payload in a frame to that port; less than 256: not usable. */
uint32_t param_max_data(const struct fc_login *l);

/* Response codes of PRLI and PRLO */
#define PRLI_EXECUTED 1u
#define PRLI_NOT_YET 3u
#define PRLI_NO_PAIR 4u
#define PRLI_INVALID 8u

struct fc_prli {
	uint8_t type, response;
	uint8_t roles;
	bool burst;
	uint32_t burst_bytes; /* 0: no limit, or not told */
};
void param_put_prli(uint8_t p[PRLI_LEN], uint8_t cmd, uint8_t response, bool burst,
		    uint32_t burst_bytes);
void param_get_prli(const uint8_t p[PRLI_LEN], struct fc_prli *pr);
/* First burst agreed on with the other's parameters: bytes, 0: none. */
uint32_t param_burst(const struct fc_prli *pr);

/* --- fc_els.c ---------------------------------------------------------------------------------- */

#define ELS_SEND_MAX 140u /* bytes of a request or reply, but for ECHO */
#define CT_HEAD 16u

enum els_result {
	ELS_DONE,    /* LS_ACC, or CT accept: payload is there */
	ELS_REFUSED, /* reason, explan; 0: what came was no answer */
	ELS_TIMEOUT, /* or aborted by the other side */
	ELS_UNSENT,  /* nothing could leave; try again soon */
};

struct els_answer {
	enum els_result result;
	uint8_t reason, explan;
	const uint8_t *payload; /* CT: after the CT header */
	uint32_t len, total;
	const struct fc_hdr *hdr; /* NULL: no frame came */
};

typedef void els_fn(uint32_t arg, const struct els_answer *a);

struct els_request {
	uint32_t d_id;
	const uint8_t *payload;
	uint32_t len;
	uint32_t timeout_ms;
	bool ct;
	els_fn *done; /* once, never from inside els_send; not after els_cancel */
	uint32_t arg;
};

void els_init(void);
uint16_t els_send(const struct els_request *r); /* FC_XID_NONE: too many */
void els_cancel(uint16_t xid);                  /* nobody waits any more; NONE is fine */
void els_reset(void);                           /* the link went: nothing is open */
void els_accept(const struct fc_hdr *request, const uint8_t *payload, uint32_t len);
void els_reject(const struct fc_hdr *request, uint8_t reason, uint8_t explan);
uint32_t els_in_use(void);

/* --- fc_rrq.c ---------------------------------------------------------------------------------- */

void rrq_init(void);
void rrq_reset(void); /* the link went */

/* --- fc_login.c -------------------------------------------------------------------------------- */

void login_init(void);
void login_start(void); /* the link is up */
void login_stop(void);
void login_flogi(const struct fc_hdr *h, const uint8_t *p); /* the other port's */
/* PLOGI came to d_id before we have an address: true: we have it now. */
bool login_adopt(uint32_t d_id, uint32_t s_id, uint64_t wwpn);

/* --- fc_answer.c ------------------------------------------------------------------------------- */

void answer_request(const struct fc_hdr *h, const uint8_t *p, uint32_t len, uint32_t total);

/* --- fc_rport.c -------------------------------------------------------------------------------- */

/*
 * FREE -> [NAME] -> PLOGI -> LOGGED -> PRLI -> READY. WAIT: until the timer starts the next try.
 * LOGGED stays when it is the other side's turn, or it has no NVMe for us.
 */
enum rport_state { RP_FREE, RP_NAME, RP_PLOGI, RP_WAIT, RP_LOGGED, RP_PRLI, RP_READY };

struct rport {
	struct fc_rport pub;
	struct timer timer; /* WAIT: next try; LOGGED: our PRLI after all; READY: ADISC */
	uint16_t xid;       /* of our request that is open */
	uint8_t state, tries;
	bool listed;    /* the name server, or a claim, told of it */
	bool found;     /* in the list that is being read */
	bool prli_seen; /* its own PRLI came since PLOGI */
	bool check;     /* RSCN: look whether the login still holds */
};

extern struct rport rports[WEFT_N_RPORT];

static inline uint16_t rport_index(const struct rport *rp)
{
	return (uint16_t)(rp - rports);
}

static inline bool rport_logged_in(const struct rport *rp)
{
	return rp->state >= RP_LOGGED;
}

void rport_init(void);
struct rport *rport_by_id(uint32_t id); /* any state but FREE */
struct rport *rport_by_wwpn(uint64_t wwpn);
struct rport *rport_new(uint32_t id); /* NULL: all taken */
void rport_ready(struct rport *rp, uint8_t roles, uint32_t first_burst);
void rport_reset(struct rport *rp, uint8_t state); /* what was open on it ends */
void rport_free(struct rport *rp);
void rport_clear(void); /* all */
uint32_t rport_count(void);

/* --- fc_session.c ------------------------------------------------------------------------------ */

void session_login(struct rport *rp);  /* PLOGI, PRLI, with what retries they need */
void session_logged(struct rport *rp); /* PLOGI is through, whoever sent it */
void session_again(struct rport *rp);  /* the session went: log in again if that is our part */
void session_verify(struct rport *rp); /* ADISC: is the login still good */
void session_logout(struct rport *rp); /* LOGO, and the port is forgotten */
/* What the name server says to ns_ask_name; ELS_REFUSED: no such port. */
void session_named(struct rport *rp, enum els_result result, uint64_t wwpn);
bool session_take(struct rport *rp,
		  const struct fc_login *l); /* its PLOGI's parameters; false: unusable */
bool session_rscn(uint32_t d_id);            /* tells that we changed */
void session_timer(struct timer *t);

/* --- fc_ns.c ----------------------------------------------------------------------------------- */

void ns_init(void);
void ns_start(void); /* FLOGI is through */
void ns_stop(void);
void ns_gone(void);                                 /* LOGO of the name server */
void ns_rscn(const uint8_t *pages, uint32_t count); /* of 4 bytes; 0: anything changed */
bool ns_ask_name(struct rport *rp);                 /* GPN_ID; session_named follows */

/* --- fip.c ------------------------------------------------------------------------------------- */

#define ETH_HEAD 14u
#define FIP_HEAD 10u
#define FC_MAP 0x0efd00u /* upper half of an N_Port's MAC address */

void fip_init(void);
void fip_start(uint32_t port_id);
void fip_stop(void);

/* --- fip_ls.c ---------------------------------------------------------------------------------- */

#define FIP_LS_MIN 32u /* bytes of descriptors: encapsulation, FC header, first word */
/* A whole Ethernet frame with left bytes of descriptors, at least FIP_LS_MIN. */
void fip_ls_input(const uint8_t *frame, uint32_t left);

#endif
