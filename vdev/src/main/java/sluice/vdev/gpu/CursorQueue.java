package sluice.vdev.gpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.QueueWorker;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Virtqueue;

/** The cursor queue: its commands are fast; drivers expect no response, but get one if the chain has room. */
final class CursorQueue implements QueueWorker.Work {
    /** The only size of cursors (§5.7.6.10). */
    private static final int SIDE = 64;
    private static final long BYTES = HostImage.bytes(SIDE, SIDE);
    private static final Rectangle ALL = new Rectangle(0, 0, SIDE, SIDE);
    private static final BlobLayout LAYOUT = new BlobLayout(PixelFormat.B8G8R8A8, SIDE, SIDE, 0,
            (long) SIDE * PixelFormat.BYTES);

    private final QueueWorker worker;
    private final ResourceTable resources;
    private final Scanouts scanouts;
    private final Cursors cursors;
    private final Display display;
    private final GpuStatistics statistics;
    private final BackingSpace backings;
    private final CommandNames names;
    /** Of a cursor in a blob. */
    private final MemorySegment pixels = Arena.ofAuto().allocate(BYTES, PixelFormat.BYTES);
    private final CommandDecoder decoder = new CommandDecoder(Wire.Cursor.BYTES);
    private final Responder responder = new Responder();
    private final Shortage shortage = new Shortage();

    CursorQueue(int index, Virtqueue queue, DeviceContext context, ResourceTable resources,
            Scanouts scanouts, Cursors cursors, Display display, GpuStatistics statistics, BackingSpace backings,
            CommandNames names) {
        this.backings = backings;
        this.names = names;
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
        responder.begin(decoder.bytes(), false);
        if (!(decoder.decode() instanceof Command.CursorCommand command)) {
            statistics.unknownCommand();
            responder.respond(chain, Response.ERR_UNSPEC);
            return;
        }
        names.give(chain, command.type());
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
        return switch (resource) {
            case HostCopy copy -> copied(command, copy.image());
            case Blob blob -> read(command, blob);
        };
    }

    private Response copied(Command.UpdateCursor command, HostImage image) {
        if (image.width() != SIDE || image.height() != SIDE) return Response.ERR_INVALID_PARAMETER;
        show(command, image.copyOf(ALL));
        statistics.cursor(BYTES);
        return Response.OK_NODATA;
    }

    /** No command defines the layout of a cursor in a blob: as in QEMU, from the first byte, without gaps. */
    private Response read(Command.UpdateCursor command, Blob blob) {
        if (blob.size() < BYTES) return Response.ERR_INVALID_PARAMETER;
        if (display.showsCursors())
            statistics.observed(new BlobPixels(blob, LAYOUT, backings).copyTo(ALL, pixels, 0, LAYOUT.stride()));
        show(command, pixels.toArray(HostImage.PIXEL));
        return Response.OK_NODATA;
    }

    private void show(Command.UpdateCursor command, int[] shown) {
        cursors.show(command.scanoutId(), command.x(), command.y(), command.hotX(), command.hotY(), shown);
    }
}
