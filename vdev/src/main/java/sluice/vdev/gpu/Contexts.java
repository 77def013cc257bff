package sluice.vdev.gpu;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;

import static sluice.dmacore.budget.Resource.HEAP;

/**
 * The guest's contexts (virtio 1.3 §5.7.6.8, CTX_*). They have one type, our own: a context owns resources and the
 * numbers of the host blobs made in it. Its only command names an object of another device: {@link ContextStream}.
 */
final class Contexts {
    /**
     * The capset of the type. Linux accepts ids up to 63 (drivers/gpu/drm/virtio/virtgpu_drv.h: MAX_CAPSET_ID), but shifts an
     * int by them (virtgpu_kms.c: virtio_gpu_get_capsets): from 31 on UBSAN reports that, and other ids pass as well.
     */
    static final int CAPSET = 30;
    static final int CAPSET_VERSION = 1;
    /** Contexts of a guest: Linux has one for each open device file. */
    static final int MOST = 4096;
    /** Names of objects that no resource has used up yet, of all contexts together. */
    static final int MOST_NAMED = 4096;
    /** Attachments of resources, of all contexts together. */
    static final int MOST_ATTACHED = 65_536;

    /** The capset id in context_init; the other bits are reserved. */
    static final int CAPSET_MASK = 0xff;
    /** The type that a driver without F_CONTEXT_INIT asks for. */
    private static final int DEFAULT_CAPSET = 0;
    private static final long CONTEXT_BYTES = 512;
    private static final long ATTACHED_BYTES = 96;
    private static final long NAME_BYTES = 160;

    private final Share share;
    private final Map<Integer, Context> contexts = new HashMap<>();
    private int attached;
    private int named;

    /** A context. */
    final class Context {
        private final Set<Integer> resources = new HashSet<>();
        private final Set<Long> blobIds = new HashSet<>();
        /** Objects of other devices by number, until a resource is made of them. */
        private final Map<Long, UUID> names = new HashMap<>();

        /** Takes a number for a host blob; false if it is taken. */
        boolean takeBlobId(long id) {
            return blobIds.add(id);
        }

        /** Whether a present blob has a number. */
        boolean isTaken(long id) {
            return blobIds.contains(id);
        }

        /** The object that has been given a number, or null. */
        @Nullable
        UUID name(long id) {
            return names.get(id);
        }

        /** A resource is made of a named object: it takes the number. */
        void useName(long id) {
            if (names.remove(id) != null) forgetNames(1);
            blobIds.add(id);
        }

        void freeBlobId(long id) {
            blobIds.remove(id);
        }
    }

    /** @param share charged for contexts and attachments */
    Contexts(Share share) {
        this.share = share;
    }

    /** Gives an object a number in a context, or another object's number; false if there is no room. */
    boolean name(Context context, long id, UUID object) {
        if (!context.names.containsKey(id)) {
            if (named == MOST_NAMED || !share.takeOrTell(HEAP, NAME_BYTES)) return false;
            named++;
        }
        context.names.put(id, object);
        return true;
    }

    private void forgetNames(int count) {
        named -= count;
        share.giveBack(HEAP, count * NAME_BYTES);
    }

    @Nullable
    Context find(int id) {
        return contexts.get(id);
    }

    Response create(ContextCommand.ContextCreate command) {
        int id = command.contextId();
        if (id == 0 || contexts.containsKey(id)) return Response.ERR_INVALID_CONTEXT_ID;
        int init = command.contextInit();
        int capset = init & CAPSET_MASK;
        boolean known = init == capset && (capset == CAPSET || capset == DEFAULT_CAPSET);
        if (!known || command.nameLength() > Wire.ContextCreate.NAME_BYTES) return Response.ERR_INVALID_PARAMETER;
        if (contexts.size() == MOST || !share.takeOrTell(HEAP, CONTEXT_BYTES)) return Response.ERR_OUT_OF_MEMORY;
        contexts.put(id, new Context());
        return Response.OK_NODATA;
    }

    /** Its resources stay until they are destroyed themselves. */
    Response destroy(int id) {
        Context gone = contexts.remove(id);
        if (gone == null) return Response.ERR_INVALID_CONTEXT_ID;
        giveBack(gone);
        return Response.OK_NODATA;
    }

    private void giveBack(Context gone) {
        forgetNames(gone.names.size());
        gone.names.clear();
        attached -= gone.resources.size();
        share.giveBack(HEAP, CONTEXT_BYTES + gone.resources.size() * ATTACHED_BYTES);
    }

    /** Attaches an existing resource; attaching it again changes nothing. */
    Response attach(int id, int resourceId) {
        Context context = contexts.get(id);
        if (context == null) return Response.ERR_INVALID_CONTEXT_ID;
        if (context.resources.contains(resourceId)) return Response.OK_NODATA;
        if (attached == MOST_ATTACHED || !share.takeOrTell(HEAP, ATTACHED_BYTES)) return Response.ERR_OUT_OF_MEMORY;
        attached++;
        context.resources.add(resourceId);
        return Response.OK_NODATA;
    }

    Response detach(int id, int resourceId) {
        Context context = contexts.get(id);
        if (context == null) return Response.ERR_INVALID_CONTEXT_ID;
        return detach(context, resourceId) ? Response.OK_NODATA : Response.ERR_INVALID_RESOURCE_ID;
    }

    private boolean detach(Context context, int resourceId) {
        if (!context.resources.remove(resourceId)) return false;
        attached--;
        share.giveBack(HEAP, ATTACHED_BYTES);
        return true;
    }

    /** A resource is destroyed: no context has it any more. */
    void forget(int resourceId) {
        if (attached == 0) return;
        for (Context context : contexts.values()) detach(context, resourceId);
    }

    /** All contexts end. */
    void clear() {
        contexts.values().forEach(this::giveBack);
        contexts.clear();
    }
}
