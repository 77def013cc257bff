package sluice.vdev.media;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureMemory;
import sluice.vdev.codec.PictureSink;

/**
 * Where the pictures of a decoder are: in CAPTURE buffers, which it writes in place, or in memory of our own, from which they
 * are copied. A few buffers are never given to the decoder, so that one is there to be copied into, however many it keeps.
 * Used by a job's worker, except where it says otherwise.
 */
final class PicturePlaces implements PictureMemory, PictureSink {
    /** Buffers that the decoder does not get: one to copy into, and what a client shows and is about to show. */
    static final int NOT_FOR_DECODER = 3;
    /** The most pictures in memory of our own: more than any codec keeps. */
    private static final int MOST_SPARES = 64;

    private final Share share;
    private final PictureWriter writer = new PictureWriter();
    private final Deque<Lent> lent = new ArrayDeque<>();
    /** What the decoder uses, by its address. */
    private final Map<Long, Lent> inBuffers = new HashMap<>();
    private final Map<Long, Spare> inSpares = new HashMap<>();
    /** Memory of no picture, to be used again. */
    private final List<Spare> unused = new ArrayList<>();
    /** Buffers whose memory is not used any more: for the loop. */
    private final List<Lent> done = new ArrayList<>();
    private final List<Outcome> outcomes = new ArrayList<>();
    private @Nullable PictureFormat direct;
    /** How many more buffers the decoder may keep. */
    private int room;
    private int spares;
    private boolean spared;
    private boolean took;
    /** Whether the decoder may be told to stop at a picture of another format. */
    private boolean stops;
    /** The decoder's pictures turned out to have another format than it had said. */
    private boolean unsure;
    private @Nullable Wanted change;
    private long copied;

    PicturePlaces(Share share) {
        this.share = share;
    }

    // ---- on the loop, between jobs

    void begin(boolean mayStop) {
        stops = mayStop;
        took = false;
        spared = false;
        change = null;
        direct = null;
        outcomes.clear();
    }

    /**
     * Lends buffers for pictures of {@code format}. The one that was queued last is used first: its pages are there, and more of it is in
     * caches. So a client with many buffers costs no more than one with as many as the decoder keeps.
     *
     * @param most that the decoder may keep more than now
     */
    void lend(Iterable<MediaBuffer> buffers, FrameLayout layout, PictureFormat format, int most) {
        direct = format;
        room = most;
        for (MediaBuffer buffer : buffers) {
            if (!buffer.isHeld()) lent.addFirst(new Lent(buffer, layout));
        }
    }

    /** Lets go of memory that is not used any more. */
    void letGo() {
        lent.forEach(Lent::release);
        lent.clear();
        done.forEach(Lent::release);
        done.clear();
    }

    List<Outcome> outcomes() {
        return outcomes;
    }

    long takeCopied() {
        long bytes = copied + writer.takeCopied();
        copied = 0;
        return bytes;
    }

    long takeConverted() {
        return writer.takeConverted();
    }

    /** Whether a decoder keeps any CAPTURE buffer. */
    boolean isKept() {
        return !inBuffers.isEmpty();
    }

    boolean isEmpty() {
        return spares == 0 && inBuffers.isEmpty();
    }

    // ---- on a worker

    /** What the decoder stopped at, or null. */
    @Nullable
    Wanted change() {
        return change;
    }

    void add(Outcome outcome) {
        outcomes.add(outcome);
    }

    @Override
    public @Nullable Place take(Wanted wanted) {
        if (stops && !took && !unsure && !wanted.format().equals(direct)) {
            change = wanted;
            return null;
        }
        took = true;
        Place place = wanted.format().equals(direct) ? inBuffer(wanted) : null;
        return place == null ? inSpare(wanted) : place;
    }

    private @Nullable Place inBuffer(Wanted wanted) {
        Lent next = lent.peek();
        if (room <= 0 || next == null || !next.fits(wanted)) return null;
        Spare chroma = next.needsChroma() ? spare(next.chromaBytes()) : null;
        Place place = next.place(wanted, chroma);
        if (place == null) {
            if (chroma != null && chroma.release()) unused.add(chroma);
            return null;
        }
        lent.remove();
        room--;
        inBuffers.put(place.address(), next);
        return place;
    }

    private Place inSpare(Wanted wanted) {
        Spare memory = spare(Spare.bytesFor(wanted));
        Place place = memory.place(wanted);
        inSpares.put(place.address(), memory);
        return place;
    }

    @Override
    public void release(Place place) {
        Lent buffer = inBuffers.remove(place.address());
        if (buffer != null) {
            done.add(buffer);
            Spare chroma = buffer.free();
            if (chroma != null && chroma.release()) unused.add(chroma);
            return;
        }
        Spare memory = inSpares.remove(place.address());
        if (memory != null && memory.release()) unused.add(memory);
    }

    @Override
    public void format(PictureFormat format) {
        outcomes.add(new Outcome.FormatChange(format, 0));
    }

    @Override
    public void picture(Picture picture, long time, boolean key) {
        show(picture, time, key, /* whole= */ true);
    }

    @Override
    public void damaged(Picture picture, long time, boolean key) {
        show(picture, time, key, /* whole= */ false);
    }

    private void show(Picture picture, long time, boolean key, boolean whole) {
        long address = picture.planes().getFirst().bytes().address();
        Lent at = inBuffers.get(address);
        if (at != null && at.buffer().isLent()) {
            unsure |= !picture.format().equals(direct) && direct != null;
            boolean good = at.wrote() && whole;
            if (at.needsChroma()) good &= writer.writeChroma(picture, at.buffer(), at.layout());
            finish(at.buffer(), time, key, good);
        } else if (!spared && !lent.isEmpty() && picture.format().equals(direct)) {
            copy(picture, time, key, whole);
        } else {
            spared = true;
            Spare memory = inSpares.get(address);
            if (memory != null) {
                memory.show(picture, time, key, whole);
            } else {
                memory = spare(picture.format().bytes());
                copied += memory.take(picture, time, key, whole);
            }
            outcomes.add(memory);
        }
    }

    private void copy(Picture picture, long time, boolean key, boolean whole) {
        Lent target = lent.remove();
        done.add(target);
        boolean written = writer.write(picture, target.buffer(), target.layout());
        finish(target.buffer(), time, key, written && whole);
    }

    private void finish(MediaBuffer buffer, long time, boolean key, boolean good) {
        buffer.setPicture(time, key, !good);
        outcomes.add(buffer);
    }

    /** Copies a picture into a lent buffer; false if there is none. */
    boolean deliver(Spare spare) {
        if (lent.isEmpty()) return false;
        copy(spare.picture(), spare.time(), spare.key(), spare.isWhole());
        recycle(spare);
        return true;
    }

    /** A picture was delivered, or is not wanted. */
    void recycle(Spare spare) {
        if (spare.deliver()) unused.add(spare);
    }

    private Spare spare(long bytes) {
        for (int i = unused.size() - 1; i >= 0; i--) {
            if (unused.get(i).bytes() == bytes) return unused.remove(i);
        }
        freeUnused();
        if (spares == MOST_SPARES || !share.takeOrTell(Resource.HOST_MEMORY, bytes))
            throw new IllegalStateException(
                    "%d pictures wait for CAPTURE buffers, and there is no memory for another".formatted(spares));
        spares++;
        return new Spare(bytes);
    }

    /** Frees memory of no picture. */
    void freeUnused() {
        for (Spare one : unused) {
            long bytes = one.bytes();
            one.free();
            spares--;
            share.giveBack(Resource.HOST_MEMORY, bytes);
        }
        unused.clear();
    }
}
