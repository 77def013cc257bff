package sluice.vdev.rfb;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Random;
import java.util.function.Consumer;

import sluice.vdev.device.InputSeats;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.GuestVariant;

/** A guest whose GPU has a VNC server on any free port, without a password. */
public final class ViewedGpu implements AutoCloseable {
    public static final RfbAddress ANY_PORT = new RfbAddress.Tcp(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));

    private final GpuBackEnd backEnd;
    private final AttachedGpu gpu;
    private final RfbServer server;

    private ViewedGpu(GpuBackEnd backEnd, AttachedGpu gpu, RfbServer server) {
        this.backEnd = backEnd;
        this.gpu = gpu;
        this.server = server;
    }

    static ViewedGpu start() throws IOException {
        return start(GuestVariant.USUAL, RfbLimits.DEFAULT, 2);
    }

    static ViewedGpu start(GuestVariant guest, RfbLimits limits, int heads) throws IOException {
        return start(guest, limits, heads, viewer -> {});
    }

    /** @param opened is called on the server's loop at the end of each handshake */
    static ViewedGpu start(GuestVariant guest, RfbLimits limits, int heads, Consumer<String> opened)
            throws IOException {
        GpuBackEnd backEnd = GpuBackEnd.viewed(GpuOptions.defaults().withBlobs());
        RfbServer server = RfbServer.open("gpu", backEnd.viewedDisplay(), heads, ANY_PORT, RfbSecurity.NONE, limits,
                viewer -> {
                    opened.accept(viewer);
                    return new InputSeats().open(InputSeats.DEFAULT, viewer);
                });
        return new ViewedGpu(backEnd, AttachedGpu.startWithBlobs(backEnd, guest), server);
    }

    AttachedGpu gpu() {
        return gpu;
    }

    GpuBackEnd backEnd() {
        return backEnd;
    }

    RfbAddress address(int head) {
        return server.addresses().get(head);
    }

    VncClient view(int head) throws IOException {
        return VncClient.open(address(head));
    }

    /**
     * A picture of everything that has an encoding of its own: noise, one colour, few colours in patterns, long runs,
     * a gradient, and sharp edges at odd places.
     */
    static int[] mixed(int width, int height, long seed) {
        Random random = new Random(seed);
        int[] pixels = new int[width * height];
        int[][] palettes = new int[4][];
        for (int i = 0; i < palettes.length; i++)
            palettes[i] = random.ints(new int[]{ 2, 4, 13, 16 }[i]).map(pixel -> pixel & 0xff_ffff).toArray();
        int turn = random.nextInt(8);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int kind = (x / 50 + y / 30 * 3 + turn) % 8;
                pixels[y * width + x] = switch (kind) {
                    case 0 -> random.nextInt() & 0xff_ffff;
                    case 1 -> 0x336699;
                    case 2, 3, 4, 5 -> palettes[kind - 2][random.nextInt(palettes[kind - 2].length)];
                    case 6 -> x / 9 % 2 == 0 ? 0xffffff : y;
                    default -> (x << 16 & 0xff0000) | (y << 8 & 0xff00) | (x + y & 0xff);
                };
            }
        }
        return pixels;
    }

    @Override
    public void close() {
        gpu.close();
        server.close();
        backEnd.close();
    }
}
