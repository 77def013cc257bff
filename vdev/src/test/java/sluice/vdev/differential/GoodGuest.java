package sluice.vdev.differential;

import java.util.ArrayList;
import java.util.List;

import sluice.vdev.differential.World.Resource;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;

/** A guest that does what is allowed. It uses what its world has, or makes it. */
final class GoodGuest {
    private static final int CURSOR_SIDE = 64;

    private final Scribe scribe;

    GoodGuest(Scribe scribe) {
        this.scribe = scribe;
    }

    /** What it does next. */
    List<Step> next() {
        List<Integer> backed = scribe.ids(true);
        List<Integer> bare = scribe.ids(false);
        if (backed.isEmpty()) {
            return bringUp();
        }
        return switch (scribe.random().nextInt(22)) {
            case 0, 1 -> scribe.hasEnough() ? remove(scribe.any(scribe.ids())) : bringUp();
            case 2 -> scribe.hasEnough() ? remove(scribe.any(scribe.ids())) : create();
            case 3 -> bare.isEmpty() ? detach(scribe.any(backed)) : attach(scribe.any(bare));
            case 4, 5, 6 -> show(scribe.any(scribe.ids()));
            case 7 -> switchOff();
            case 8, 9, 10, 11 -> redraw(scribe.any(backed));
            case 12, 13 -> transfer(scribe.any(backed));
            case 14, 15, 16 -> flush(scribe.any(scribe.ids()));
            case 17 -> List.of(scribe.control(GpuCommands.getDisplayInfo()));
            case 18 -> List.of(scribe.control(GpuCommands.getEdid(scribe.between(0, Side.OUTPUTS - 1))));
            case 19 -> cursor();
            default -> moveCursor();
        };
    }

    private List<Step> create() {
        boolean square = scribe.oneIn(4);
        return List.of(scribe.control(GpuCommands.createResource2d(scribe.freeId(), scribe.anyFormat(),
                square ? CURSOR_SIDE : scribe.anySide(), square ? CURSOR_SIDE : scribe.anySide())));
    }

    /** All that a picture needs until it is seen. */
    List<Step> bringUp() {
        int id = scribe.freeId();
        boolean square = scribe.oneIn(4);
        int width = square ? CURSOR_SIDE : scribe.anySide();
        int height = square ? CURSOR_SIDE : scribe.anySide();
        GpuRect all = GpuRect.of(width, height);
        List<Step> steps = new ArrayList<>();
        steps.add(scribe.control(GpuCommands.createResource2d(id, scribe.anyFormat(), width, height)));
        steps.add(attach(id, width, height));
        steps.add(scribe.control(Scribe.transfer(id, width, all)));
        steps.add(scribe.control(GpuCommands.setScanout(anyScanout(), id, all)));
        steps.add(scribe.control(GpuCommands.flush(id, all)));
        return steps;
    }

    /** All that ends one, and its last use. */
    List<Step> tearDown(int id) {
        Resource resource = scribe.resource(id);
        GpuRect part = scribe.inside(resource.width, resource.height);
        List<Step> steps = new ArrayList<>();
        steps.add(scribe.control(GpuCommands.flush(id, part)));
        steps.add(scribe.control(GpuCommands.setScanout(anyScanout(), 0, GpuRect.of(0, 0))));
        steps.add(scribe.control(GpuCommands.detachBacking(id)));
        steps.add(scribe.control(GpuCommands.unref(id)));
        return steps;
    }

    private int anyScanout() {
        return scribe.between(0, 3) == 0 ? scribe.between(0, Side.OUTPUTS - 1) : scribe.between(0, 2);
    }

    private Step attach(int id, int width, int height) {
        var entries = scribe.backing(4L * width * height + (scribe.oneIn(3) ? scribe.between(1, 9000) : 0));
        return scribe.control(Scribe.attach(id, entries.size(), entries));
    }

    private List<Step> attach(int id) {
        Resource resource = scribe.resource(id);
        return List.of(attach(id, resource.width, resource.height));
    }

    private List<Step> detach(int id) {
        return List.of(scribe.control(GpuCommands.detachBacking(id)));
    }

    private List<Step> remove(int id) {
        return scribe.oneIn(2) ? tearDown(id) : List.of(scribe.control(GpuCommands.unref(id)));
    }

    private List<Step> show(int id) {
        Resource resource = scribe.resource(id);
        GpuRect part = scribe.oneIn(2)
                ? GpuRect.of(resource.width, resource.height)
                : scribe.inside(resource.width, resource.height);
        List<Step> steps = new ArrayList<>();
        steps.add(scribe.control(GpuCommands.setScanout(anyScanout(), id, part)));
        if (scribe.oneIn(2)) {
            steps.addAll(flush(id));
        }
        return steps;
    }

    private List<Step> switchOff() {
        List<Integer> on = scribe.scanouts();
        int scanout = on.isEmpty() || scribe.oneIn(3) ? anyScanout() : scribe.any(on);
        return List.of(scribe.control(GpuCommands.setScanout(scanout, 0, scribe.inside(5, 5))));
    }

    private List<Step> redraw(int id) {
        List<Step> steps = new ArrayList<>();
        steps.add(new Step.Draw(scribe.between(0, Pair.POOL_PAGES - 1), scribe.random().nextLong()));
        steps.add(new Step.Draw(scribe.between(0, Pair.POOL_PAGES - 1), scribe.random().nextLong()));
        steps.addAll(transfer(id));
        steps.addAll(flush(id));
        return steps;
    }

    /** A part, from its own place or any other where there is enough; or an empty one. */
    private List<Step> transfer(int id) {
        Resource resource = scribe.resource(id);
        GpuRect part = scribe.oneIn(3)
                ? GpuRect.of(resource.width, scribe.between(1, resource.height))
                : scribe.inside(resource.width, resource.height);
        if (scribe.oneIn(20)) {
            part = new GpuRect(part.x(), part.y(), part.width(), 0);
        }
        long needed = Math.max(0, part.height() - 1) * resource.stride() + 4L * part.width();
        long spare = resource.backing - needed;
        long own = part.y() * resource.stride() + 4L * part.x();
        if (spare < 0) {
            // Its backing is too small for this part, so it gets a smaller one.
            return detach(id);
        }
        long offset = own <= spare && !scribe.oneIn(4) ? own : scribe.random().nextLong(spare + 1);
        return List.of(scribe.control(GpuCommands.transferToHost2d(id, part, offset)));
    }

    private List<Step> flush(int id) {
        Resource resource = scribe.resource(id);
        GpuRect part = scribe.oneIn(2)
                ? GpuRect.of(resource.width, resource.height)
                : scribe.inside(resource.width, resource.height);
        return List.of(scribe.control(GpuCommands.flush(id, part)));
    }

    private List<Step> cursor() {
        int scanout = anyScanout();
        int x = scribe.random().nextInt();
        int y = scribe.between(0, 1000);
        List<Integer> usable = scribe.ids().stream().filter(id -> scribe.resource(id).isCursor()).toList();
        int id = usable.isEmpty() || scribe.oneIn(5) ? 0 : scribe.any(usable);
        return List.of(scribe.cursor(GpuCommands.updateCursor(scanout, x, y, id, scribe.between(0, 63), y)));
    }

    private List<Step> moveCursor() {
        return List.of(scribe.cursor(GpuCommands
                .moveCursor(anyScanout(), scribe.between(0, 3000), scribe.random().nextInt())
                .putInt(GpuWire.CURSOR_RESOURCE, scribe.oneIn(2) ? 0 : scribe.between(1, 40))));
    }
}
