package sluice.iommu.space;

import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;

import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.fault.Neighbour;

/** A mapping, from its map to its unmap. May be read by any thread. */
public final class Mapping {
    /** States of a mapping. */
    public enum State {
        /** It translates. */
        LIVE,
        /** Its memory was revoked; it keeps its addresses. */
        REVOKED,
        /** It was removed. */
        UNMAPPED
    }

    private final long id;
    private final AddressRange range;
    private final Permission permission;
    private final Owner owner;
    private final long createdNanos;
    private final @Nullable String site;
    private volatile State state = State.LIVE;
    private int pins;

    Mapping(long id, AddressRange range, Permission permission, Owner owner, long createdNanos,
            @Nullable String site) {
        this.id = id;
        this.range = range;
        this.permission = permission;
        this.owner = owner;
        this.createdNanos = createdNanos;
        this.site = site;
    }

    /** A mapping of a part of this one. */
    Mapping part(long partId, AddressRange part) {
        Mapping mapping = new Mapping(partId, part, permission, owner, createdNanos, site);
        mapping.state = state;
        return mapping;
    }

    /** Unique in its space; never used again. */
    public long id() {
        return id;
    }

    /** Address of its first byte. */
    public long iova() {
        return range.first();
    }

    public AddressRange range() {
        return range;
    }

    /** In bytes. */
    public long length() {
        return range.size();
    }

    public Permission permission() {
        return permission;
    }

    public Owner owner() {
        return owner;
    }

    /** Time of its creation, as {@link System#nanoTime}. */
    public long createdNanos() {
        return createdNanos;
    }

    /** The code that created it, if the space records that. */
    public @Nullable String site() {
        return site;
    }

    public State state() {
        return state;
    }

    Neighbour asNeighbour() {
        return new Neighbour(id, range, owner);
    }

    /** Pins the mapping; null if it is not live any more. */
    public synchronized @Nullable Pin pin() {
        if (state != State.LIVE) return null;
        pins++;
        return new Pin(this);
    }

    synchronized void unpin() {
        pins--;
        notifyAll();
    }

    public synchronized int pins() {
        return pins;
    }

    synchronized void state(State next) {
        state = next;
    }

    /** Begins a move: no new pins. False if it is pinned. */
    synchronized boolean beginMove() {
        if (state == State.LIVE && pins > 0) return false;
        state = State.REVOKED;
        return true;
    }

    /** Waits until it is not pinned. Returns the number of pins left at the deadline. */
    synchronized int awaitUnpinned(long deadline) {
        boolean interrupted = false;
        while (pins > 0) {
            long left = deadline - System.nanoTime();
            if (left <= 0) break;
            try {
                // Rounded up, because 0 means no timeout.
                wait(TimeUnit.NANOSECONDS.toMillis(left) + 1);
            } catch (InterruptedException e) {
                interrupted = true; // the wait is bounded, and the caller handles the interrupt
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
        return pins;
    }

    @Override
    public String toString() {
        return "mapping %d: %s %s of %s, %s".formatted(id, range, permission, owner, state);
    }
}
