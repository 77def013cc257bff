package sluice.dmacore.buffer;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

/**
 * The buffers of a machine that its devices find by a UUID, as a driver names an object of one device to another
 * (virtio 1.3 §2.11, exporting objects). An entry is valid while its exporter has the object; it holds no reference.
 * Thread-safe.
 */
public final class ExportedObjects {
    /** Most entries of a machine. */
    public static final int MOST = 1 << 16;

    private final Map<UUID, DmaBuf> buffers = new HashMap<>();
    /** Names that were chosen by a user, each for one exporter. */
    private final Set<UUID> taken = new HashSet<>();

    ExportedObjects() {}

    /**
     * Takes a name that was not drawn at random, before anything is exported under it: two exporters of one name would replace each other's
     * buffers.
     *
     * @return false if it is taken
     */
    public synchronized boolean take(UUID name) {
        return taken.add(name);
    }

    /** The exporter of a name that it took has ended; its export ends, too. */
    public synchronized void giveBack(UUID name) {
        taken.remove(name);
        buffers.remove(name);
    }

    /**
     * Exports a buffer under a name, or replaces the buffer of this name.
     *
     * @return false, with nothing changed, if the machine has {@link #MOST} entries
     */
    public synchronized boolean add(UUID name, DmaBuf buffer) {
        if (buffers.size() == MOST && !buffers.containsKey(name)) return false;
        buffers.put(name, buffer);
        return true;
    }

    /** Ends an export, if there is one: importers do not find it any more. */
    public synchronized void remove(UUID name) {
        buffers.remove(name);
    }

    /**
     * Finds a buffer. It may be released at any time: attaching fails with ENODEV then.
     *
     * @return null if there is none of this name now
     */
    public synchronized @Nullable DmaBuf find(UUID name) {
        return buffers.get(name);
    }

    /** Number of entries. */
    public synchronized int count() {
        return buffers.size();
    }
}
