# The container image. BASE is the image that it is built on and from; without it, Debian's own.
IMAGE ?= vesta:$(VERSION)
BASE ?=

.PHONY: image base-image
image:
	$(Q)COMMIT='$(COMMIT)' tests/tools/image.sh '$(IMAGE)' '$(BASE)'

# For machines that reach Debian's archive but no registry: then `make image BASE=localhost/vesta-base`.
base-image:
	$(Q)tests/tools/base-image.sh localhost/vesta-base
