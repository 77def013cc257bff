package sluice.vdev.differential;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

import sluice.vdev.differential.Step.Command;
import sluice.vdev.differential.World.Resource;
import sluice.vdev.differential.World.Shown;
import sluice.vdev.fixture.GpuWire;

/** Compares the messages to both displays, down to the pixel. */
final class DisplayJudge {
    private static final int COLOURS = 0xff_ffff;
    private static final int FRESH = Pair.FILL * 0x0101_0101;

    private final World world;
    private final Tally tally;
    /** Scan-outs whose cursor was hidden by its last update. */
    private final Set<Integer> hidden = new HashSet<>();

    DisplayJudge(World world, Tally tally) {
        this.world = world;
        this.tally = tally;
    }

    /**
     * Compares after a batch of the control queue.
     *
     * @param last      its last command, the only one that displays may have learned of
     * @param questions how often the peer may have asked for the display info, and ours not
     */
    void control(Command last, List<Seen> ours, List<Seen> peer, long questions) {
        List<Seen> saidByPeer = withoutRepeatedScanouts(other(peer));
        for (long i = 0; i < questions; i++) {
            saidByPeer.remove(new Seen.Asked("display info"));
        }
        if (!other(ours).equals(saidByPeer)) {
            throw new Mismatch("the displays were told different things by " + Command.name(last.type()),
                    "at %s ours said %s and the peer %s".formatted(last, ours, peer));
        }
        Map<Integer, Painting> byOurs = paintings(last, painted(ours), false);
        Map<Integer, Painting> byPeer = paintings(last, painted(peer), true);
        if (!byOurs.keySet().equals(byPeer.keySet())) {
            throw new Mismatch("pixels on different scan-outs",
                    "at %s ours painted %s and the peer %s".formatted(last, byOurs.keySet(), byPeer.keySet()));
        }
        byOurs.forEach((scanout, painting) -> compare(last, scanout, painting, byPeer.get(scanout)));
    }

    private List<Seen> withoutRepeatedScanouts(List<Seen> said) {
        List<Seen> fresh = new ArrayList<>();
        for (Seen one : said) {
            if (one instanceof Seen.Scanout scanout) {
                Long size = scanout.width() << 32 | scanout.height();
                if (size.equals(world.sizes.put(scanout.scanout(), size))) {
                    tally.accepted(Accepted.SAME_SCANOUT);
                    continue;
                }
            }
            fresh.add(one);
        }
        return fresh;
    }

    private static List<Seen> other(List<Seen> said) {
        return said.stream().filter(one -> !(one instanceof Seen.Painted)).toList();
    }

    private static List<Seen.Painted> painted(List<Seen> said) {
        return said.stream().filter(Seen.Painted.class::isInstance).map(Seen.Painted.class::cast).toList();
    }

    /** Puts the updates of one side together, however they were cut. */
    private Map<Integer, Painting> paintings(Command flush, List<Seen.Painted> updates, boolean byPeer) {
        Map<Integer, Painting> paintings = new TreeMap<>();
        for (Seen.Painted update : updates) {
            Shown shown = world.scanouts.get(update.scanout());
            if (shown == null || flush.type() != GpuWire.CMD_RESOURCE_FLUSH || shown.resource() != flush.resource()) {
                throw new Mismatch("an update of what was not flushed", "at %s %s painted scan-out %d".formatted(flush,
                        byPeer ? "the peer" : "ours", update.scanout()));
            }
            if (byPeer && (update.width() == 0 || update.height() == 0)) {
                tally.accepted(Accepted.EMPTY_UPDATE);
                continue;
            }
            long x = update.x();
            long y = update.y();
            if (byPeer && (shown.part().x() != 0 || shown.part().y() != 0)) {
                x -= shown.part().x();
                y -= shown.part().y();
                tally.accepted(Accepted.SCANOUT_ORIGIN);
            }
            paintings.computeIfAbsent(update.scanout(),
                    id -> new Painting(shown.part().width(), shown.part().height())).add(update, x, y);
        }
        return paintings;
    }

    private void compare(Command flush, int scanout, Painting ours, @Nullable Painting peer) {
        Shown shown = world.scanouts.get(scanout);
        Resource resource = world.peer.get(flush.resource());
        if (peer == null || shown == null || resource == null || !ours.touched().equals(peer.touched())) {
            throw new Mismatch("different parts of a scan-out are painted", "at %s ours painted %s and the peer %s"
                    .formatted(flush, ours.touched(), peer == null ? "nothing" : peer.touched()));
        }
        boolean turned = false;
        for (int at = ours.touched().nextSetBit(0); at >= 0; at = ours.touched().nextSetBit(at + 1)) {
            int x = shown.part().x() + at % ours.width();
            int y = shown.part().y() + at / ours.width();
            int expected = ByteOrders.toDisplay(resource.format, peer.pixel(at));
            turned |= ((expected ^ peer.pixel(at)) & COLOURS) != 0;
            if (((expected ^ ours.pixel(at)) & COLOURS) != 0) {
                stray(resource, x, y, ours.pixel(at) & COLOURS, expected & COLOURS, "at " + flush);
            }
        }
        if (turned) {
            tally.accepted(Accepted.BYTE_ORDER);
        }
        tally.pixels(ours.touched().cardinality());
    }

    private void stray(Resource resource, int x, int y, int ours, int peer, String where) {
        Accepted why = resource.stray[y * resource.width + x];
        boolean asFresh = ours == 0 && (peer & COLOURS) == (FRESH & COLOURS);
        if (why == null || (why == Accepted.FRESH_PICTURE && !asFresh)) {
            throw new Mismatch("different pixels",
                    "%s pixel %d,%d of a resource of %d×%d, format %d, is %08x for ours and "
                            .formatted(where, x, y, resource.width, resource.height, resource.format, ours)
                            + "%08x for the peer".formatted(peer));
        }
        tally.accepted(why);
    }

    /** Compares after a command of the cursor queue. */
    void cursor(Command command, List<Seen> ours, List<Seen> peer) {
        boolean explained;
        if (command.isWhole() && command.is(GpuWire.CMD_UPDATE_CURSOR)) {
            explained = updated(command, ours, peer);
        } else if (command.isWhole() && command.is(GpuWire.CMD_MOVE_CURSOR)) {
            explained = moved(command, ours, peer);
        } else {
            explained = ours.isEmpty() && peer.isEmpty();
        }
        if (!explained) {
            throw new Mismatch("different cursors at " + Command.name(command.type()),
                    "at %s ours said %s and the peer %s".formatted(command, ours, peer));
        }
    }

    private boolean updated(Command command, List<Seen> ours, List<Seen> peer) {
        if (peer.size() != 1 || !(peer.getFirst() instanceof Seen.CursorImage image)) {
            return false;
        }
        int scanout = command.u32(GpuWire.CURSOR_SCANOUT);
        Resource resource = world.peer.get(command.resource());
        if (command.resource() == 0) {
            hidden.add(scanout);
            tally.accepted(Accepted.CURSOR_HIDDEN);
            return isTransparent(image)
                    && ours.equals(List.of(new Seen.CursorAt(image.scanout(), image.x(), image.y(), false)));
        }
        if (resource == null || !resource.isCursor()) {
            tally.accepted(Accepted.CURSOR_REFUSED);
            return isTransparent(image) && ours.isEmpty();
        }
        hidden.remove(scanout);
        if (ours.size() == 1 && ours.getFirst() instanceof Seen.CursorImage own
                && withPixels(own, image.pixels()).equals(image)) {
            compareCursors(resource, own, image);
            return true;
        }
        return false;
    }

    /** A move goes to the same place on both; what it does to a hidden cursor is each one's own. */
    private boolean moved(Command command, List<Seen> ours, List<Seen> peer) {
        long scanout = Integer.toUnsignedLong(command.u32(GpuWire.CURSOR_SCANOUT));
        long x = Integer.toUnsignedLong(command.u32(GpuWire.CURSOR_X));
        long y = Integer.toUnsignedLong(command.u32(GpuWire.CURSOR_Y));
        if (!ours.equals(peer)) {
            tally.accepted(Accepted.CURSOR_MOVED);
        }
        return ours.equals(List.of(new Seen.CursorAt(scanout, x, y, !hidden.contains((int) scanout))))
                && peer.equals(List.of(new Seen.CursorAt(scanout, x, y, command.u32(GpuWire.CURSOR_RESOURCE) != 0)));
    }

    private void compareCursors(Resource resource, Seen.CursorImage ours, Seen.CursorImage peer) {
        boolean turned = false;
        for (int at = 0; at < ours.pixels().limit(); at++) {
            int expected = ByteOrders.toDisplay(resource.format, peer.pixels().get(at));
            turned |= expected != peer.pixels().get(at);
            if (expected != ours.pixels().get(at)) {
                stray(resource, at % resource.width, at / resource.width, ours.pixels().get(at), expected,
                        "in a cursor");
            }
        }
        if (turned) {
            tally.accepted(Accepted.BYTE_ORDER);
        }
        tally.pixels(ours.pixels().limit());
    }

    private static Seen.CursorImage withPixels(Seen.CursorImage image, IntBuffer pixels) {
        return new Seen.CursorImage(image.scanout(), image.x(), image.y(), image.hotX(), image.hotY(), pixels);
    }

    private static boolean isTransparent(Seen.CursorImage image) {
        for (int at = 0; at < image.pixels().limit(); at++) {
            if (image.pixels().get(at) != 0) {
                return false;
            }
        }
        return true;
    }
}
