/*
 * document.h - what a document of a group is made of, and how: the one way, whether the parts come
 * from the catalog for a machine, or from a transaction for somebody who writes.
 */
#ifndef SERVICE_DOCUMENT_H
#define SERVICE_DOCUMENT_H

#include "service/parts.h"

enum document_source {
    DOCUMENT_NONE,     /* it has none */
    DOCUMENT_PLAIN,    /* made without a template: metadata, and what a NoCloud seed must have */
    DOCUMENT_BUILTIN,  /* the built-in boot script */
    DOCUMENT_TEMPLATE, /* a template of the kind render_kind(d) */
};

/* What a document is made by in a group with this profile; p and client are not asked of
   RENDER_METADATA, and may be NULL then. The template's name is in *ret_name. */
enum document_source document_source(enum render_document d, const struct model_profile *p,
                                     const struct render_client *client, struct str *ret_name);

struct document_parts {
    enum render_document document;
    const struct render_template *tmpl;  /* NULL for DOCUMENT_PLAIN */
    struct str group;                    /* its id */
    const struct value *data;            /* of render_group_data */
    const struct model_profile *profile; /* may be NULL for RENDER_METADATA */
    struct render_client client;
    const struct labels *labels; /* of the machine */
    const struct labels *sent;   /* and those that templates see as the request's */
    struct str raw_query;
    bool trust_request;
    const struct butane_files *files;
    struct findings *findings; /* may be NULL, see render_input */
};
/* Can it have a secret of the group in it? */
bool document_shows_secrets(const struct document_parts *p);
/* How much the request decides. */
enum render_scope document_scope(const struct document_parts *p);
/* Appends the document. Errors of render. */
err_code document_render(const struct document_parts *p, struct arena *a, struct buf *out,
                         struct err *e);

#endif
