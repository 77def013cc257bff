package sluice.vdev.differential;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import sluice.vdev.differential.Step.Command;
import sluice.vdev.differential.World.Resource;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;

/**
 * A guest that does what is not allowed, or in another order, one thing at a time. It leaves out what ends the peer, see
 * {@link Fatal}; and where an accepted difference leaves a resource on one side only, it removes that at once.
 */
final class BadGuest {
    private static final int[] TYPES = { 0, 0xff, 0x108, 0x109, 0x10b, 0x10c, 0x10d, 0x10e, 0x1ff, 0x200, 0x206, 0x208,
            0x300, 0x301, 0x302, 0x1100, -1 };
    private static final int[] NO_FORMATS = { 0, 5, 66, 69, 120, 122, 133, 135, -1 };
    private static final int TOO_MANY = 16_385;
    private static final long NOWHERE = 0x5000_0000_0000L;

    private final Scribe scribe;
    private final GoodGuest good;

    BadGuest(Scribe scribe, GoodGuest good) {
        this.scribe = scribe;
        this.good = good;
    }

    /** What it does next. */
    List<Step> next() {
        List<Integer> backed = scribe.ids(true);
        List<Integer> bare = scribe.ids(false);
        if (backed.isEmpty()) {
            return shuffled(good.bringUp());
        }
        int id = scribe.any(scribe.ids());
        return switch (scribe.random().nextInt(12)) {
            case 0 -> one(unknown());
            case 1 -> creation(id);
            case 2 -> one(outside(id));
            case 3 -> one(GpuCommands.setScanout(scribe.oneIn(2) ? Side.OUTPUTS : scribe.random().nextInt() | 16, id,
                    GpuRect.of(1, 1)));
            case 4 -> scribe.oneIn(2) || bare.isEmpty() ? again(scribe.any(backed), bare) : badAttach(scribe.any(bare));
            case 5 -> bare.isEmpty() ? shuffled(good.tearDown(id)) : badAttach(scribe.any(bare));
            case 6 -> badTransfer(scribe.any(backed));
            case 7 -> one(cut());
            case 8 -> one(GpuCommands.bare(TYPES[scribe.random().nextInt(TYPES.length)], scribe.between(28, 80))
                    .putInt(GpuWire.RESOURCE_ONLY_ID, id));
            case 9 -> List.of(smallRoom(id));
            case 10 -> shuffled(scribe.hasEnough() || scribe.oneIn(2) ? good.tearDown(id) : good.bringUp());
            default -> List.of(cursor());
        };
    }

    private List<Step> one(ByteBuffer bytes) {
        return List.of(scribe.control(bytes));
    }

    private List<Step> shuffled(List<Step> steps) {
        List<Step> order = new ArrayList<>(steps);
        Collections.shuffle(order, scribe.random());
        return order;
    }

    private ByteBuffer unknown() {
        int id = scribe.oneIn(6) ? 0 : scribe.unknownId();
        GpuRect rect = GpuRect.of(1, 1);
        return switch (scribe.random().nextInt(6)) {
            case 0 -> GpuCommands.unref(id);
            case 1 -> GpuCommands.setScanout(0, scribe.unknownId(), rect);
            case 2 -> GpuCommands.flush(id, rect);
            case 3 -> GpuCommands.transferToHost2d(id, rect, 0);
            case 4 -> Scribe.attach(id, 1, scribe.backing(100));
            default -> GpuCommands.detachBacking(id);
        };
    }

    private List<Step> creation(int present) {
        int id = scribe.freeId();
        return switch (scribe.random().nextInt(5)) {
            case 0 -> one(GpuCommands.createResource2d(present, 1, 5, 5));
            case 1 -> one(GpuCommands.createResource2d(0, 1, 5, 5));
            case 2 -> one(GpuCommands.createResource2d(id, NO_FORMATS[scribe.random().nextInt(NO_FORMATS.length)], 5,
                    scribe.between(0, 5)));
            case 3 -> {
                boolean high = scribe.oneIn(2);
                yield List.of(scribe.control(GpuCommands.createResource2d(id, 1, high ? 0 : 7, high ? 7 : 0)),
                        scribe.control(GpuCommands.unref(id)));
            }
            default -> List.of(scribe.control(GpuCommands.createResource2d(id, 1, scribe.between(16_385, 17_000), 1)),
                    scribe.control(GpuCommands.unref(id)));
        };
    }

    private ByteBuffer outside(int id) {
        Resource resource = scribe.resource(id);
        GpuRect rect = scribe.outside(resource.width, resource.height);
        return switch (scribe.random().nextInt(3)) {
            case 0 -> GpuCommands.setScanout(scribe.between(0, 2), id, rect);
            case 1 -> GpuCommands.flush(id, rect);
            default -> GpuCommands.transferToHost2d(id, rect, 0);
        };
    }

    /** What was done before: a second backing, or a resource without one detached or transferred. */
    private List<Step> again(int backed, List<Integer> bare) {
        if (bare.isEmpty() || scribe.oneIn(2)) {
            List<Buffer> entries = scribe.backing(500);
            return one(Scribe.attach(backed, entries.size(), entries));
        }
        int id = scribe.any(bare);
        return one(scribe.oneIn(2)
                ? GpuCommands.detachBacking(id)
                : GpuCommands.transferToHost2d(id, GpuRect.of(1, 1), 0));
    }

    private List<Step> badAttach(int id) {
        List<Buffer> entries = new ArrayList<>(scribe.backing(3000));
        return switch (scribe.random().nextInt(6)) {
            case 0 -> one(Scribe.attach(id, scribe.oneIn(2) ? TOO_MANY : -1, entries));
            case 1 -> one(Scribe.attach(id, entries.size() + scribe.between(1, 3), entries));
            case 2 -> {
                entries.add(new Buffer(NOWHERE, 100));
                Collections.shuffle(entries, scribe.random());
                yield one(Scribe.attach(id, entries.size(), entries));
            }
            case 3 -> {
                entries.add(new Buffer((2 << 20) - 10, 20));
                yield one(Scribe.attach(id, entries.size(), entries));
            }
            case 4 -> List.of(scribe.control(Scribe.attach(id, 0, List.of())),
                    scribe.control(GpuCommands.detachBacking(id)));
            default -> {
                entries.add(scribe.between(0, entries.size()), new Buffer(entries.getFirst().address(), 0));
                yield List.of(scribe.control(Scribe.attach(id, entries.size(), entries)),
                        scribe.control(GpuCommands.unref(id)));
            }
        };
    }

    /** Past the end of the backing: a part of it, all of it, or by an offset of more than 32 bits. */
    private List<Step> badTransfer(int id) {
        Resource resource = scribe.resource(id);
        GpuRect part = scribe.inside(resource.width, resource.height);
        if (scribe.oneIn(3)) {
            return one(GpuCommands.transferToHost2d(id, part, (1L << 32) + scribe.between(0, 500)));
        }
        if (scribe.oneIn(3)) {
            // A new backing that is too small, and all of the picture from it.
            long bytes = resource.stride() * resource.height;
            List<Buffer> entries = scribe.backing(scribe.between(1, (int) bytes));
            return List.of(scribe.control(GpuCommands.detachBacking(id)),
                    scribe.control(Scribe.attach(id, entries.size(), entries)),
                    scribe.control(GpuCommands.transferToHost2d(id, GpuRect.of(resource.width, resource.height), 0)));
        }
        long needed = (part.height() - 1) * resource.stride() + 4L * part.width();
        long first = Math.max(1, resource.backing - needed + 1);
        return one(GpuCommands.transferToHost2d(id, part, scribe.random().nextLong(first, resource.backing + 100)));
    }

    /** A good command without its end, or with more than its end. */
    private ByteBuffer cut() {
        if (good.next().stream().filter(Command.class::isInstance).findFirst().orElse(null) instanceof Command command
                && command.queue() == Step.Queue.CONTROL && command.type() != GpuWire.CMD_RESOURCE_ATTACH_BACKING) {
            ByteBuffer whole = command.bytes();
            int length = scribe.oneIn(3) ? scribe.between(0, 23) : scribe.between(24, whole.limit() + 40);
            ByteBuffer out = ByteBuffer.allocate(length).order(whole.order());
            return out.put(0, whole, 0, Math.min(length, whole.limit()));
        }
        return GpuCommands.getDisplayInfo().limit(scribe.between(0, 23));
    }

    /** Room for a part of the answer; none only where the guest does not need the answer's type. */
    private Step smallRoom(int id) {
        GpuRect rect = GpuRect.of(1, 1);
        return scribe.oneIn(3)
                ? scribe.command(Step.Queue.CONTROL,
                        scribe.oneIn(2) ? GpuCommands.getDisplayInfo() : GpuCommands.flush(id, rect),
                        scribe.between(0, 3))
                : scribe.command(Step.Queue.CONTROL, switch (scribe.random().nextInt(5)) {
                    case 0 -> GpuCommands.getEdid(3);
                    case 1 -> GpuCommands.getDisplayInfo();
                    case 2 -> GpuCommands.setScanout(1, id, rect);
                    case 3 -> GpuCommands.flush(id, rect);
                    default -> GpuCommands.detachBacking(id);
                }, scribe.between(4, 23));
    }

    private Step cursor() {
        return scribe.cursor(switch (scribe.random().nextInt(4)) {
            case 0 -> GpuCommands.updateCursor(0, 1, 2, scribe.unknownId(), 3, 4);
            case 1 -> GpuCommands.updateCursor(1, 1, 2, scribe.any(scribe.ids()), 3, 4);
            case 2 -> GpuCommands.moveCursor(0, 1, 2).limit(scribe.between(1, 55));
            default -> GpuCommands.bare(TYPES[scribe.random().nextInt(10)], scribe.between(24, 60));
        });
    }
}
