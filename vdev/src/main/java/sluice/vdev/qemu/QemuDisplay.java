package sluice.vdev.qemu;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What a QEMU of this host can show of a vhost-user GPU: such a GPU may send dma-bufs, so QEMU refuses every display without OpenGL
 * ("The console requires display DMABUF support"), VNC and windows without it among them.
 *
 * @param argument of QEMU
 * @param remark why there is no window, and what to do, or empty; begins with a line end
 */
public record QemuDisplay(String argument, String remark) {
    private static final Path RENDER_NODES = Path.of("/dev/dri");

    /** The best one for a user with these environment variables. */
    static QemuDisplay of(QemuBinary qemu, Map<String, String> environment) throws IOException, InterruptedException {
        String known = HostCommand.text(List.of(qemu.path().toString(), "-display", "help"));
        return of(known.lines().toList(), environment, hasRenderNode(RENDER_NODES));
    }

    /**
     * Chooses one.
     *
     * @param known words of {@code -display help}
     * @param environment variables of the user
     * @param hasRenderNode whether the host has a GPU for OpenGL
     */
    static QemuDisplay of(List<String> known, Map<String, String> environment, boolean hasRenderNode) {
        boolean hasDesktop = environment.containsKey("DISPLAY") || environment.containsKey("WAYLAND_DISPLAY");
        if (hasDesktop && hasRenderNode) {
            for (String window : List.of("gtk", "sdl"))
                if (known.contains(window)) return new QemuDisplay("-display " + window + ",gl=on", "");
        }
        String lack = !hasRenderNode
                ? "this host has no GPU (/dev/dri/renderD*)"
                : !hasDesktop
                        ? "there is neither DISPLAY nor WAYLAND_DISPLAY"
                        : "this QEMU has neither gtk nor sdl";
        return new QemuDisplay("-display none",
                "%nQEMU opens no window: that needs OpenGL, and %s. See the screen with --vnc=127.0.0.1:5900"
                        .formatted(lack));
    }

    /** Whether a folder has render nodes of GPUs, as {@code /dev/dri}. */
    public static boolean hasRenderNode(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) return false;
        try (DirectoryStream<Path> nodes = Files.newDirectoryStream(folder, "renderD*")) {
            return nodes.iterator().hasNext();
        }
    }
}
