package sluice.vdev.gpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.Stream;
import sluice.dmacore.space.DeviceSpace;
import sluice.iommu.AddressRange;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.device.SharedRegion;
import sluice.vdev.device.StrayRead;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.queue.Virtqueue;

/** A virtio GPU with 2D commands and optional blobs (virtio 1.3 §5.7). */
public final class GpuDevice implements VirtioDevice, Display.Listener {
    private static final int VIRTIO_ID = 16;
    private static final long F_VIRGL = 1L << 0;
    private static final long F_EDID = 1L << 1;
    private static final long F_RESOURCE_UUID = 1L << 2;
    private static final long F_RESOURCE_BLOB = 1L << 3;
    private static final long F_CONTEXT_INIT = 1L << 4;
    /** Since virtio 1.4. */
    private static final long F_BLOB_ALIGNMENT = 1L << 5;
    private static final int CONTROL = 0;
    private static final int CURSOR = 1;

    private final byte[] config;
    private final CommandNames names;
    private final boolean blobs;
    private final long windowBytes;
    private final ResourceTable resources;
    private final Scanouts scanouts;
    private final Painter painter;
    private final Cursors cursors;
    private final Display display;
    private final PictureTaker pictures;
    private final GpuStatistics statistics = new GpuStatistics();
    private final BackingSpace backings;
    private final Commands commands;
    private @Nullable DeviceContext context;
    private @Nullable ControlQueue control;
    private @Nullable CursorQueue cursor;

    /** A coherent GPU in a machine of its own. */
    public GpuDevice(GpuOptions options, Display display, PictureTaker pictures) {
        this(options, display, pictures, DmaCore.open(DmaCoreOptions.counting()), Stream.COHERENT,
                Budget.ofProcess().own());
    }

    /**
     * The same with a small table of device addresses, which takes 8 bytes for each page that it can reach.
     *
     * @param reach bytes of all backings together, a power of two from 4096
     */
    public static GpuDevice small(GpuOptions options, Display display, PictureTaker pictures, long reach) {
        return new GpuDevice("gpu", options, display, pictures, DmaCore.open(DmaCoreOptions.counting()),
                DeviceDmaParams.throughIommu().withDmaMask(reach - 1), Stream.COHERENT, Budget.ofProcess().own(),
                display::image);
    }

    /**
     * A GPU.
     *
     * @param core through which it shares buffers with the machine's other devices
     * @param stream its kind of memory access
     * @param share of the process, charged for everything that its guest requests
     */
    public GpuDevice(GpuOptions options, Display display, PictureTaker pictures, DmaCore core, Stream stream,
            Share share) {
        this(options, display, pictures, core, stream, share, display::image);
    }

    /**
     * A GPU of a process, which registers its counters, and its address space for fault injection.
     *
     * @param options with the fault policy of {@code environment}
     */
    public GpuDevice(GpuOptions options, Display display, PictureTaker pictures, DeviceEnvironment environment) {
        this(environment.name(), options, display, pictures, environment.core(),
                environment.dmaParams(DeviceDmaParams.throughIommu()), environment.stream(), environment.share(),
                display::image);
        environment.reachesThrough(space().table());
        backings.setWitness(environment.witness());
        statistics.register(environment.report());
        StrayRead stray = environment.strayRead();
        if (stray != null) setStrayRead(stray);
    }

    /** The same with another source of images. */
    GpuDevice(GpuOptions options, Display display, PictureTaker pictures, DmaCore core, Stream stream, Share share,
            ResourceTable.Images images) {
        this("gpu", options, display, pictures, core, DeviceDmaParams.throughIommu(), stream, share, images);
    }

    private GpuDevice(String name, GpuOptions options, Display display, PictureTaker pictures, DmaCore core,
            DeviceDmaParams params, Stream stream, Share share, ResourceTable.Images images) {
        this.backings = new BackingSpace(name, core, share, params, stream, options.onFault());
        this.display = display;
        this.pictures = pictures;
        this.resources = new ResourceTable(options.memoryLimit(), share, !stream.coherent(), images);
        this.blobs = options.blobs();
        this.windowBytes = options.windowBytes();
        this.painter = new Painter(display, share, statistics);
        this.scanouts = new Scanouts(display, painter, options.scanouts(), options.memoryLimit());
        this.cursors = new Cursors(display);
        this.commands = new Commands(resources, scanouts, display, painter, statistics, pictures, backings, share,
                windowBytes);
        pictures.whenRead(statistics::observed);
        display.whenRead(statistics::observed);
        this.names = CommandNames.of(core);
        this.config = new byte[Wire.Config.BYTES];
        ByteBuffer.wrap(config).order(ByteOrder.LITTLE_ENDIAN).putInt(Wire.Config.NUM_SCANOUTS, options.outputs())
                .putInt(Wire.Config.NUM_CAPSETS, windowBytes > 0 ? 1 : 0)
                .putInt(Wire.Config.BLOB_ALIGNMENT, blobs ? BlobCommands.ALIGNMENT : 0);
        display.setListener(this);
    }

    /** Its statistics; read on the device's loop. */
    public GpuStatistics statistics() {
        return statistics;
    }

    /**
     * Writes the current pictures of all scan-outs; on the device's loop.
     *
     * @param done receives the files when all are written, on another thread
     * @return number of enabled scan-outs; a picture that cannot be taken is logged
     */
    public int takePictures(Consumer<Path> done) {
        pictures.take(scanouts, done);
        return scanouts.countOn();
    }

    @Override
    public int virtioId() {
        return VIRTIO_ID;
    }

    @Override
    public long features() {
        return F_EDID | F_RESOURCE_UUID | (blobs ? F_RESOURCE_BLOB | F_BLOB_ALIGNMENT : 0)
                | (windowBytes > 0 ? F_VIRGL | F_CONTEXT_INIT : 0);
    }

    /** The window of host memory. */
    @Override
    public List<SharedRegion> sharedRegions() {
        return windowBytes > 0 ? List.of(HostBlobCommands.region(windowBytes)) : List.of();
    }

    /** Bytes of the window that host blobs use. */
    long windowUsed() {
        return commands.host().used();
    }

    @Override
    public int queueCount() {
        return 2;
    }

    @Override
    public String queueName(int index) {
        return index == CONTROL ? "control" : "cursor";
    }

    @Override
    public int configSize() {
        return config.length;
    }

    @Override
    public void readConfig(int offset, byte[] target) {
        for (int i = 0; i < target.length && offset + i < config.length; i++) target[i] = config[offset + i];
    }

    @Override
    public void writeConfig(int offset, byte[] value) {
        // Only events_clear is writable, and no event is raised here: the front-end handles events.
    }

    @Override
    public void start(long features, DeviceContext deviceContext) {
        context = deviceContext;
        backings.setMemory(deviceContext.memory());
        commands.blobs().setNegotiated((features & F_RESOURCE_BLOB) != 0);
        commands.blobs().setAligned((features & F_BLOB_ALIGNMENT) != 0);
        boolean contexts = windowBytes > 0 && (features & (F_VIRGL | F_CONTEXT_INIT)) != 0;
        commands.host().start(contexts ? deviceContext.window(Wire.SHM_ID_HOST_VISIBLE) : null);
        commands.whenReleased(deviceContext::bufferReleased);
    }

    @Override
    public void startQueue(int index, Virtqueue queue) {
        DeviceContext running = context;
        if (running == null) throw new IllegalStateException("queue " + index + " starts before the device");
        if (index == CONTROL) {
            control = new ControlQueue(index, queue, running, commands, statistics, names);
        } else {
            cursor = new CursorQueue(index, queue, running, resources, scanouts, cursors, display, statistics,
                    backings, names);
        }
    }

    @Override
    public void stopQueue(int index) {
        if (index == CONTROL) {
            ControlQueue stopping = control;
            control = null;
            if (stopping != null) stopping.stop();
        } else {
            cursor = null;
        }
    }

    @Override
    public void notified(int index) {
        if (index == CONTROL && control != null) control.drain();
        if (index == CURSOR && cursor != null) cursor.drain();
    }

    @Override
    public void reset() {
        commands.abandonFlush();
        scanouts.switchAllOff();
        commands.reset();
        cursors.forget();
    }

    @Override
    public void invalidated(AddressRange range) {
        commands.invalidated(range);
    }

    /** Injects a stray read; called before the start. */
    public void setStrayRead(StrayRead fault) {
        commands.setStrayRead(fault);
    }

    /** The GPU's own address space, with its faults and injection rules. */
    public DeviceSpace space() {
        return backings.space();
    }

    @Override
    public void displayConnected() {
        scanouts.showAll();
    }

    @Override
    public void displayReady() {
        DeviceContext running = context;
        if (running == null) return;
        running.callAgain(CONTROL);
        running.callAgain(CURSOR);
    }

    @Override
    public void close() {
        commands.reset();
    }
}
