package sluice.vdev.gpu;

import java.util.List;
import java.util.UUID;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.vdev.device.SharedRegion;

import static sluice.dmacore.budget.Resource.HEAP;

/**
 * Objects of the machine's other devices as resources. Guests name them as those of any context (virtio 1.3 §5.7.6.8):
 * a command in the context gives a UUID a number, and RESOURCE_CREATE_BLOB of host memory has this number as blob_id.
 * {@link ContextStream} describes the command.
 */
final class ForeignBlobs {
    /** Buffers of one object that the GPU is attached to; a capture card's driver gives it no more. */
    static final int MOST_BUFFERS = 32;
    /** An attachment and a mapping. */
    private static final long HEAP_BYTES = 2048;
    private static final Logger LOG = LoggerFactory.getLogger(ForeignBlobs.class);

    private final ResourceTable resources;
    private final BackingSpace backings;
    private final Share share;

    /** @param share charged for each object */
    ForeignBlobs(ResourceTable resources, BackingSpace backings, Share share) {
        this.resources = resources;
        this.backings = backings;
        this.share = share;
    }

    /**
     * Creates the resource of a named object; its id, size and flags are valid. Its size is that of the command, at most
     * that of the object, whose last page may be incomplete.
     *
     * @param name of the number in the command, which is used up unless there is an error
     */
    Response create(Command.ResourceCreateBlob command, Contexts.Context context, UUID name) {
        // There is no place in the window for its memory.
        if ((command.flags() & BlobMemory.FLAG_MAPPABLE) != 0 || command.entries() != 0)
            return Response.ERR_INVALID_PARAMETER;
        DmaBuf buffer = backings.exported(name);
        if (buffer == null || command.size() > SharedRegion.whole(buffer.size()))
            return Response.ERR_INVALID_PARAMETER;
        if (!resources.hasRoom() || !share.takeOrTell(HEAP, HEAP_BYTES)) return Response.ERR_OUT_OF_MEMORY;
        BufferPages pages = null;
        boolean made = false;
        try {
            pages = backings.attach(buffer);
            HostBlob.ContextObject object = new HostBlob.ContextObject(context, command.blobId());
            made = resources.add(new ForeignBlob(command.resourceId(), Math.min(command.size(), buffer.size()), pages,
                    object, name));
            if (made) context.useName(command.blobId());
            return made ? Response.OK_NODATA : Response.ERR_OUT_OF_MEMORY;
        } catch (DmaBufException e) {
            LOG.debug("resource {} is refused: {}", command.resourceId(), e.getMessage());
            return Response.ERR_UNSPEC;
        } finally {
            if (!made) {
                if (pages != null) backings.detach(pages);
                share.giveBack(HEAP, HEAP_BYTES);
            }
        }
    }

    /**
     * Looks up an object again, which may be another buffer now. What has no buffer, or a smaller one, stays what it was.
     *
     * @return whether the resource shows another buffer from now on
     */
    boolean follow(ForeignBlob blob) {
        DmaBuf now = backings.exported(blob.uuid().value());
        if (now == null || now.equals(blob.pages().buffer())
                || blob.size() > SharedRegion.whole(now.size()))
            return false;
        BufferPages pages = blob.known(now);
        if (pages == null) pages = added(blob, now);
        if (pages == null) return false;
        blob.show(pages);
        return true;
    }

    private @Nullable BufferPages added(ForeignBlob blob, DmaBuf buffer) {
        List<BufferPages> known = blob.known();
        for (int i = known.size() - 1; i >= 0; i--) {
            if (known.get(i).buffer().state() == DmaBuf.State.REVOKED && !known.get(i).equals(blob.pages()))
                detach(known.remove(i));
        }
        if (known.size() == MOST_BUFFERS) detach(known.remove(known.getFirst().equals(blob.pages()) ? 1 : 0));
        if (!share.takeOrTell(HEAP, HEAP_BYTES)) return null;
        BufferPages made = null;
        try {
            made = backings.attach(buffer);
            known.add(made);
        } catch (DmaBufException e) {
            LOG.debug("resource {} stays as it was: {}", blob.id(), e.getMessage());
        } finally {
            if (made == null) share.giveBack(HEAP, HEAP_BYTES);
        }
        return made;
    }

    private void detach(BufferPages pages) {
        backings.detach(pages);
        share.giveBack(HEAP, HEAP_BYTES);
    }

    /** Its resource is destroyed; the object stays with its device. */
    void forget(ForeignBlob blob) {
        blob.object().context().freeBlobId(blob.object().blobId());
        for (BufferPages pages : blob.known()) detach(pages);
    }
}
