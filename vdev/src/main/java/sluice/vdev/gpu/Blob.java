package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/** Shared memory as a resource (RESOURCE_CREATE_BLOB): displays read it in place. */
sealed interface Blob extends Resource permits GuestBlob, HostBlob, ForeignBlob {
    /** In bytes, at least 1. */
    long size();

    /** The memory that is shown; null for guest pages that are detached. */
    @Nullable
    Pages pages();

    /** How scan-outs use it. */
    BlobUse use();
}
