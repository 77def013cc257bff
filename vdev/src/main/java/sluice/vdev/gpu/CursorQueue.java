package sluice.vdev.gpu;

import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.QueueWorker;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Virtqueue;

/** The cursor queue: its commands are fast, and drivers expect no response, but get one if there is room for it. */
final class CursorQueue implements QueueWorker.Work {
    /** Cursors have this size, and no other (§5.7.6.10). */
    private static final int SIDE = 64;

    private final QueueWorker worker;
    private final ResourceTable resources;
    private final Scanouts scanouts;
    private final Cursors cursors;
    private final Display display;
    private final GpuStatistics statistics;
    private final CommandDecoder decoder = new CommandDecoder(Wire.Cursor.BYTES);
    private final Responder responder = new Responder();
    private final Shortage shortage = new Shortage();

    CursorQueue(int index, Virtqueue queue, DeviceContext context, ResourceTable resources,
            Scanouts scanouts, Cursors cursors, Display display, GpuStatistics statistics) {
        this.worker = new QueueWorker(index, queue, context, this);
        this.resources = resources;
        this.scanouts = scanouts;
        this.cursors = cursors;
        this.display = display;
        this.statistics = statistics;
    }

    void drain() {
        worker.run();
    }

    @Override
    public boolean isHeldBack() {
        return display.isCongested();
    }

    @Override
    public void execute(Chain chain) {
        long startedAt = System.nanoTime();
        decoder.take(chain.readable(), Math.min(chain.readable().bytes(), Wire.Cursor.BYTES));
        responder.begin(decoder.bytes());
        if (!(decoder.decode() instanceof Command.CursorCommand command)) {
            statistics.unknownCommand();
            responder.respond(chain, Response.ERR_UNSPEC);
            return;
        }
        Response response;
        try {
            response = switch (command) {
                case Command.UpdateCursor update -> update(update);
                case Command.MoveCursor move -> move(move);
            };
        } catch (OutOfMemoryError e) {
            shortage.tell(e);
            statistics.outOfMemory();
            response = Response.ERR_OUT_OF_MEMORY;
        }
        responder.respond(chain, response);
        statistics.command(command.type(), response != Response.OK_NODATA, System.nanoTime() - startedAt);
    }

    private Response move(Command.MoveCursor command) {
        int scanout = command.scanoutId();
        if (!scanouts.has(scanout)) return Response.ERR_INVALID_SCANOUT_ID;
        cursors.move(scanout, command.x(), command.y());
        return Response.OK_NODATA;
    }

    private Response update(Command.UpdateCursor command) {
        int scanout = command.scanoutId();
        if (!scanouts.has(scanout)) return Response.ERR_INVALID_SCANOUT_ID;
        int x = command.x();
        int y = command.y();
        int resourceId = command.resourceId();
        if (resourceId == 0) {
            cursors.hide(scanout, x, y);
            return Response.OK_NODATA;
        }
        Resource resource = resources.find(resourceId);
        if (resource == null) return Response.ERR_INVALID_RESOURCE_ID;
        if (resource.image.width() != SIDE || resource.image.height() != SIDE) return Response.ERR_INVALID_PARAMETER;
        int[] pixels = resource.image.copyOf(new Rectangle(0, 0, SIDE, SIDE));
        cursors.show(scanout, x, y, command.hotX(), command.hotY(), pixels);
        statistics.cursor((long) pixels.length * PixelFormat.BYTES);
        return Response.OK_NODATA;
    }
}
