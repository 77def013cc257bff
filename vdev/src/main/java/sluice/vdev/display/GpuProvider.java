package sluice.vdev.display;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.linux.ErrnoException;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.gpu.Display;
import sluice.vdev.gpu.GpuDevice;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.gpu.HostImage;
import sluice.vdev.gpu.PictureTaker;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.rfb.ViewedDisplay;

/** The provider of the GPU, with its display. */
public final class GpuProvider implements DeviceProvider {
    private static final Logger LOG = LoggerFactory.getLogger(GpuProvider.class);
    private static final int BYTES_PER_MIB = 1 << 20;
    private static final long WINDOW_MIB = 256;
    private static final long MOST_WINDOW_MIB = 16_384;
    private static final String RESOLUTION = "1280x800";

    @Override
    public String name() {
        return "gpu";
    }

    @Override
    public String description() {
        return "A virtio GPU (2D).";
    }

    @Override
    public List<DeviceOption> options() {
        List<DeviceOption> options = new ArrayList<>(List.of(
                new DeviceOption("outputs", "N",
                        "Number of scan-outs, 1 to 16; each has a screen while the front-end provides no display (default: 1). Over vhost-user QEMU tells the guest its own max_outputs: give the same number here, or omit it to allow all 16."),
                new DeviceOption("memory", "MIB", "Host memory for the guest's resources, in MiB (default 256)."),
                new DeviceOption("blob", "",
                        "Offer resources that are shared memory (VIRTIO_GPU_F_RESOURCE_BLOB): page flips copy nothing. For transport=vfio-user, or QEMU 11's vhost-user-test-device-pci; its vhost-user-gpu-pci never lets them pass: a guest sees a GPU without blobs there, and the log says so."),
                new DeviceOption("host3d", "",
                        "With blob: offer host memory as well, which the guest maps in a window (VIRTIO_GPU_F_VIRGL and CONTEXT_INIT, with a context type that owns resources and names objects of other devices). Linux has host memory only with VIRGL, and with VIRGL it imports no foreign buffers; no 3D command is executed."),
                new DeviceOption("host-window", "MIB",
                        "Size of this window in MiB, a power of two up to 16384 (default 256)."),
                new DeviceOption("resolution", "WxH",
                        "Size of each screen while the front-end provides no display (default " + RESOLUTION + ")."),
                new DeviceOption("dmabuf", "",
                        "Give pictures to the front-end's display as dma-bufs (DMABUF_SCANOUT), which it reads in place, where this host has /dev/udmabuf and they are no larger than its limit; others are copied. For a QEMU with a GL display (-display gtk,gl=on): without one QEMU shows nothing, and does not say so. Never tried on a host with GL."),
                new DeviceOption("snapshot-every", "N", "Write every Nth frame as PNG."),
                new DeviceOption("snapshot-dir", "DIR", "Folder for PNG files (default: the current folder)."),
                // Options that libvirt and others may pass to any vhost-user GPU (QEMU docs/interop/vhost-user.rst).
                DeviceOption.hidden("virgl", ""), DeviceOption.hidden("render-node", "PATH")));
        options.addAll(ViewerOptions.ALL);
        return options;
    }

    @Override
    public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment)
            throws IOException, WrongOptionException {
        if (options.isGiven("virgl") || options.isGiven("render-node"))
            LOG.info(
                    "{}: this GPU has 2D commands only, and offers its guest no 3D: --virgl and --render-node change nothing",
                    environment.name());
        GpuOptions gpu = gpu(options, environment);
        pay(gpu.windowBytes(), environment);
        String resolution = resolution(options.text("resolution"));
        int every = (int) options.number("snapshot-every", 0, 0, Integer.MAX_VALUE);
        Path folder = options.path("snapshot-dir");
        if (folder == null) folder = Path.of(".");
        if (!Files.isDirectory(folder)) throw new IOException("--snapshot-dir=" + folder + " is not a folder");
        DisplayLink front = new DisplayLink(environment.loop(), gpu.outputs(), side(resolution, 0),
                side(resolution, 1), options.isGiven("dmabuf") ? dmabufs(environment) : null);
        Display display = front;
        if (options.isGiven("vnc") || environment.screens() != null) {
            ViewedDisplay viewed = new ViewedDisplay(front, environment.loop(), side(resolution, 0),
                    side(resolution, 1));
            ViewerOptions.of(options, gpu.outputs()).serve(viewed, gpu.outputs(), environment);
            display = viewed;
        } else {
            ViewerOptions.requireNone(options);
        }
        PictureTaker pictures = new PictureTaker(folder, every);
        environment.closeAtEnd(pictures::close);
        GpuDevice device = new GpuDevice(gpu, display, pictures, environment);
        environment.whenAsked(() -> show(device));
        environment.whenServed(() -> rehearse(environment, device));
        return gpu.blobs()
                ? new ProvidedDevice.Virtio(device, new UnwantedDisplay(front), true)
                : new ProvidedDevice.Virtio(device, front);
    }

    private static void rehearse(DeviceEnvironment environment, GpuDevice device) {
        try {
            int pictures = Rehearsal.run(environment.loop(), device.statistics()::isUsed);
            LOG.debug("{}: rehearsed with {} pictures", environment.name(), pictures);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** This host's dma-bufs, or null, with a line in the log. */
    private static HostImage.@Nullable Dmabufs dmabufs(DeviceEnvironment environment) {
        try {
            KernelDmabufs kernel = KernelDmabufs.open();
            environment.closeAtEnd(kernel);
            return kernel;
        } catch (ErrnoException e) {
            LOG.warn("--dmabuf: pictures are copied to the display: {}", e.getMessage());
            return null;
        }
    }

    private static GpuOptions gpu(DeviceOptions options, DeviceEnvironment environment) throws WrongOptionException {
        long memory = options.number("memory", GpuOptions.DEFAULT_MEMORY_LIMIT / BYTES_PER_MIB, 1, Integer.MAX_VALUE);
        boolean told = options.isGiven("outputs");
        int outputs = (int) options.number("outputs", 1, 1, GpuOptions.MAX_OUTPUTS);
        GpuOptions gpu = new GpuOptions(outputs, memory * BYTES_PER_MIB, environment.onFault());
        // A front-end over vhost-user may report more to the guest.
        if (options.isGiven("blob")) gpu = gpu.withBlobs();
        gpu = withWindow(gpu, options);
        return told || "vfio-user".equals(options.text("transport")) ? gpu : gpu.withAnyScanout();
    }

    private static GpuOptions withWindow(GpuOptions gpu, DeviceOptions options) throws WrongOptionException {
        long window = options.number("host-window", WINDOW_MIB, 1, MOST_WINDOW_MIB);
        if (!options.isGiven("host3d")) {
            if (options.isGiven("host-window")) throw new WrongOptionException("host-window: give host3d as well");
            return gpu;
        }
        if (!gpu.blobs()) throw new WrongOptionException("host3d: give blob as well");
        if (Long.bitCount(window) != 1)
            throw new WrongOptionException("host-window=" + window + ": give a power of two");
        return gpu.withHostBlobs(window * BYTES_PER_MIB);
    }

    /** A guest can write all of its window, mapped or not. */
    private static void pay(long windowBytes, DeviceEnvironment environment) throws IOException {
        if (windowBytes == 0) return;
        environment.share().take(Resource.HOST_MEMORY, windowBytes);
        environment.closeAtEnd(() -> environment.share().giveBack(Resource.HOST_MEMORY, windowBytes));
    }

    private static String resolution(@Nullable String given) throws WrongOptionException {
        if (given == null) return RESOLUTION;
        if (!given.matches("[1-9][0-9]{0,4}x[1-9][0-9]{0,4}"))
            throw new WrongOptionException("resolution=" + given + ": write it as WIDTHxHEIGHT, each 1 to 99999");
        return given;
    }

    private static int side(String resolution, int index) {
        return Integer.parseInt(resolution.split("x", -1)[index]);
    }

    private static void show(GpuDevice device) {
        int count = device.takePictures(file -> {
            System.out.println("snapshot " + file.toAbsolutePath());
            System.out.flush();
        });
        if (count == 0) LOG.warn("no picture taken: all scan-outs are disabled");
    }
}
