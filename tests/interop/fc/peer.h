/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fcpeer, test equipment: a Fibre Channel port in software below the Linux kernel's own FC-NVMe
 * transports, on any Ethernet interface (FCoE, VN2VN). The transports are what is tested against;
 * this carries their requests, and is strict about what it is sent.
 *
 *	nvme-fc, nvmet-fc
 *	   host.c  target.c  ls.c	their requests: commands, link services of FC-4
 *	   port.c  els.c  answer.c	remote ports, logins (FC-LS)
 *	   exch.c  seq.c		exchanges, aborts, sequences
 *	   wire.c  fip.c		FCoE frames, address and neighbours
 *	interface
 *
 * All state belongs to the actor (actor.c), one ordered work item. Transports call from any
 * context, hard interrupts included: their calls leave an errand. Frames wait in a queue.
 */
#ifndef FCPEER_H
#define FCPEER_H

#define pr_fmt(fmt) "fcpeer: " fmt

#include <linux/etherdevice.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <linux/workqueue.h>
#include <uapi/scsi/fc/fc_fs.h>
#include <uapi/scsi/fc/fc_els.h>
#include <uapi/scsi/fc/fc_ns.h>
#include <uapi/scsi/fc/fc_gs.h>
#include <scsi/fc/fc_encaps.h>
#include <scsi/fc/fc_fcoe.h>
#include <scsi/fc/fc_fip.h>
#include <scsi/scsi_transport_fc.h>
#include <linux/nvme-fc-driver.h>

#define TYPE_NVME_LS 0x28 /* also the FC-4 type of PRLI */
#define TYPE_NVME_IU 0x08
#define R_DATA 0x01
#define R_XFER_RDY 0x05
#define R_CMND 0x06
#define R_RSP 0x07
#define R_ERSP 0x08
#define R_LS_RQST 0x32
#define R_LS_RESP 0x33
#define XID_NONE 0xffff
#define CMND_LEN 96
#define ERSP_LEN 32
#define RSP_LEN 12
#define FRAME_OVERHEAD (sizeof(struct fcoe_hdr) + FC_FRAME_HEADER_LEN + sizeof(struct fcoe_crc_eof))
#define FC_FRAME_HEADER_LEN 24
#define DATA_MAX 2112
#define R_A_TOV_MS 10000
#define E_D_TOV_MS 2000

/* --- actor.c ------------------------------------------------------------------------------------ */

struct errand {
	struct list_head node;
	void (*run)(struct errand *e);
	bool queued;
};

extern spinlock_t actor_lock;
int actor_start(void);
void actor_stop(void);
void actor_post(struct errand *e, void (*run)(struct errand *));
void actor_post_locked(struct errand *e, void (*run)(struct errand *));
void actor_forget_locked(struct errand *e);
void actor_frame(struct sk_buff *skb);
/* Runs it in the actor and returns when it has run. */
void actor_do(void (*run)(void));

/* --- params.c ----------------------------------------------------------------------------------- */

enum counter {
	ST_TX,
	ST_RX,
	ST_BAD,
	ST_CRC,
	ST_GAP,
	ST_STALE,
	ST_VIOLATION,
	ST_ABTS_TX,
	ST_ABTS_RX,
	ST_LOGIN,
	ST_LOGOUT,
	ST_HOST_RELEASE,
	ST_REFUSED,
	ST_FAULT,
	ST_LOST,
	N_STAT
};
extern unsigned int stats[N_STAT];
extern char *p_netdev, *p_role;
extern bool p_fip, p_login, p_read_rsp;
extern unsigned int p_fcid, p_peer_fcid, p_max_data, p_queues, p_sg;
extern unsigned long long p_wwpn, p_wwnn, p_peer_wwpn, p_peer_wwnn;

/* The other side did what it must not. Told, counted, and a failure of the case. */
#define violation(fmt, ...)                                                 \
	do {                                                                \
		stats[ST_VIOLATION]++;                                      \
		pr_warn_ratelimited("violation: " fmt "\n", ##__VA_ARGS__); \
	} while (0)

/* --- wire.c ------------------------------------------------------------------------------------- */

/* A frame that came, checked: FCoE, CRC, codes, lengths. */
struct rx {
	u8 mac[ETH_ALEN], r_ctl, type, seq_id, sof, eof;
	u32 s_id, d_id, f_ctl, parm, len;
	u16 cnt, ox, rx;
	u8 *payload;
};

/* A frame to send; the payload is at off of buf or of the list. */
struct tx {
	const u8 *mac;
	u8 r_ctl, type, seq_id, sof, eof;
	u32 d_id, f_ctl, parm, off, len;
	u16 cnt, ox, rx;
	const void *buf;
	struct scatterlist *sg;
	int nents;
};

extern u8 wire_mac[ETH_ALEN], wire_enode[ETH_ALEN];
int wire_start(void);
void wire_stop(void);    /* no frame and no event comes any more */
void wire_release(void); /* once the actor has ended */
bool wire_up(void);
u32 wire_max_data(void);
void wire_set_id(u32 id);
void wire_send(const struct tx *t);
void wire_send_raw(const void *frame, u32 len);
void wire_input(struct sk_buff *skb);
void vn_mac(u8 *mac, u32 id);

struct fault {
	char kind[8];
	unsigned int r_ctl, nth;
};
bool fault_strikes(u8 r_ctl, struct fault *f);

/* --- fip.c, fip_ls.c -------------------------------------------------------------------------------------- */

extern u32 own_id; /* 0: none yet */
void fip_link(bool up);
void fip_tick(void);
void fip_input(const u8 *frame, u32 len);
void fip_ls_input(const u8 *frame, u32 len);

/* --- exch.c, seq.c ------------------------------------------------------------------------------ */

struct rport;
struct xchg;

/* Called by the actor. Each may close the exchange. */
struct xchg_ops {
	void (*frame)(struct xchg *x, const struct rx *f);
	void (*gap)(struct xchg *x, const struct rx *f); /* a frame is missing before this one */
	void (*aborted)(struct xchg *x);  /* by the other side; BA_ACC is sent after */
	void (*answered)(struct xchg *x); /* our ABTS was */
	void (*late)(struct xchg *x);     /* its deadline has passed */
	void (*lost)(struct xchg *x);     /* the session is over */
};

struct xchg {
	const struct xchg_ops *ops;
	struct rport *rp;
	bool ours;             /* we are its originator */
	bool dead;             /* aborted: nothing more is sent */
	bool initiative;       /* we may send */
	bool begun, streaming; /* sequences sent; in a row */
	u8 aborting;           /* ABTS sent, how often */
	u16 ox, rx;
	u8 seq_id;
	u16 cnt;
	struct {
		bool any, open, bad, passed; /* passed: the last one passed the initiative */
		u8 seq_id, r_ctl;
		u16 cnt;
	} in;
	unsigned long deadline; /* jiffies; 0: none */
};

int xchg_open(struct xchg *x, struct rport *rp, const struct xchg_ops *ops);
int xchg_answer(struct xchg *x, struct rport *rp, const struct xchg_ops *ops, const struct rx *f);
void xchg_close(struct xchg *x);
void xchg_deadline(struct xchg *x, unsigned int ms);
void xchg_abort(struct xchg *x);
void xchg_lost(struct rport *rp);
void xchg_tick(void);
void xchg_hurry(void);
unsigned int xchg_count(void);
void exch_input(const struct rx *f);

#define SEQ_LAST 1 /* ends the exchange */
#define SEQ_PASS 2 /* passes the initiative */
#define SEQ_DATA 4 /* Parameter is the relative offset */
void seq_send(struct xchg *x, u8 r_ctl, u8 type, int how, const struct tx *src, u32 offset);
void seq_send_buf(struct xchg *x, u8 r_ctl, u8 type, int how, const void *buf, u32 len);
bool seq_check(struct xchg *x, const struct rx *f);

/* --- port.c, els.c, answer.c --------------------------------------------------------------------- */

enum rport_state { RP_NONE, RP_FOUND, RP_PLOGI, RP_PRLI, RP_READY };

struct els {
	struct xchg x;
	u8 cmd;
	bool busy;
};

struct rport {
	u64 wwpn, wwnn;
	u32 id, roles; /* FC_PORT_ROLE_NVME_* */
	u8 mac[ETH_ALEN], enode[ETH_ALEN];
	enum rport_state state; /* PRLI: logged in, READY: PRLI is through */
	u16 max_data, size;     /* size: of FCoE payloads it takes, as its claim says */
	unsigned long seen, login_at;
	unsigned long check_at; /* when it is asked whether the session is still there; 0: not */
	bool beacons, registered;
	struct els els;
	struct nvme_fc_remote_port *nvme;
	struct completion gone;
};

struct nvme_spp {
	u8 type, type_ext, flags, resv;
	__be32 orig_pa, resp_pa, params, first_burst;
};

#define N_RPORT 8
#define PRLI_NVME_LEN (4 + sizeof(struct nvme_spp))
#define PRLI_DISCOVERY 0x08
#define PRLI_TARGET 0x10
#define PRLI_INITIATOR 0x20
extern struct rport rports[N_RPORT];
extern bool is_host;
struct rport *port_by_id(u32 id);
struct rport *port_by_name(u64 wwpn);
struct rport *port_get(u64 wwpn, u64 wwnn, u32 id, const u8 *mac);
bool port_ready(const struct rport *rp);
void port_logged_in(struct rport *rp, const struct fc_els_flogi *p);
void port_prli(struct rport *rp, u32 params);
void port_gone(struct rport *rp, const char *why, unsigned int again_ms);
void port_forget(struct rport *rp, const char *why);
void port_all_gone(const char *why);
void port_tick(void);
void port_discovery(struct rport *rp);

int els_send(struct rport *rp, u8 cmd);
int els_order(const char *what);
void els_put_plogi(struct fc_els_flogi *p, u8 cmd);
void els_put_prli(struct nvme_spp *spp, u8 flags);
void els_put_adisc(struct fc_els_adisc *p, u8 cmd);
void els_request(const struct rx *f);
bool els_plogi_ok(const struct fc_els_flogi *p, u32 len);
bool els_prli_ok(const u8 *p, u32 len);

/* --- ls.c, host.c, target.c ----------------------------------------------------------------------- */

struct ls {
	struct xchg x;
	struct nvmefc_ls_req *req;
	struct errand start, abort;
	struct rport *rp;
	bool live;
};

int ls_start(struct rport *rp, struct nvmefc_ls_req *req);
void ls_stop(struct nvmefc_ls_req *req);
int ls_respond(struct nvmefc_ls_rsp *rsp);
void ls_request(struct rport *rp, const struct rx *f);
extern bool closing; /* LS requests are not waited for long */

int host_start(void);
void host_stop(void);
int host_add(struct rport *rp);
void host_remove(struct rport *rp);
int host_ls(struct rport *rp, struct nvmefc_ls_rsp *rsp, void *buf, u32 len);

int target_start(void);
void target_stop(void);
void target_remove(struct rport *rp);
void target_cmnd(struct rport *rp, const struct rx *f);
int target_ls(struct rport *rp, struct nvmefc_ls_rsp *rsp, void *buf, u32 len);

#endif
