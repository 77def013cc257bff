package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which kernel modules must be loaded, and in which order, so that each finds its symbols: read from {@code modules.dep}
 * (modules.dep(5): a line is {@code module: dependencies}, the dependencies to be loaded from right to left).
 */
final class ModuleOrder {
    private final Map<String, String> pathByName = new HashMap<>();
    private final Map<String, List<String>> dependencies = new HashMap<>();
    private final Set<String> builtIn = new HashSet<>();

    /**
     * @param dep the lines of {@code modules.dep}
     * @param builtIn the lines of {@code modules.builtin}: modules that are part of the kernel image
     */
    ModuleOrder(List<String> dep, List<String> builtIn) {
        for (String line : dep) {
            int colon = line.indexOf(':');
            if (colon < 0)
                continue;
            String path = line.substring(0, colon);
            List<String> needed = new ArrayList<>();
            for (String word : line.substring(colon + 1).trim().split(" ")) {
                if (!word.isEmpty())
                    needed.add(name(word));
            }
            pathByName.put(name(path), path);
            dependencies.put(name(path), needed.reversed());
        }
        builtIn.forEach(path -> this.builtIn.add(name(path)));
    }

    static ModuleOrder of(GuestKernel kernel) throws IOException {
        Path builtIn = kernel.modules().resolve("modules.builtin");
        return new ModuleOrder(Files.readAllLines(kernel.modules().resolve("modules.dep")),
                Files.exists(builtIn) ? Files.readAllLines(builtIn) : List.of());
    }

    /** A module's name as the kernel knows it: no folder, no ending, underscores for hyphens. */
    static String name(String path) {
        String file = path.substring(path.lastIndexOf('/') + 1);
        int dot = file.indexOf(".ko");
        return (dot < 0 ? file : file.substring(0, dot)).replace('-', '_');
    }

    /**
     * The files to load for the wanted modules, relative to the modules folder, every dependency before what needs it.
     *
     * @throws IOException the kernel has no module of that name, neither as a file nor built in
     */
    List<String> load(List<String> wanted) throws IOException {
        Set<String> paths = new LinkedHashSet<>();
        for (String module : wanted) {
            visit(name(module), paths, new HashSet<>());
        }
        return List.copyOf(paths);
    }

    private void visit(String name, Set<String> paths, Set<String> path) throws IOException {
        String file = pathByName.get(name);
        if (file == null) {
            if (builtIn.contains(name))
                return;
            throw new IOException("this kernel has no module " + name + ", neither in modules.dep nor built in");
        }
        if (paths.contains(file))
            return;
        if (!path.add(name))
            throw new IOException("modules.dep has a cycle through " + name);
        for (String needed : dependencies.getOrDefault(name, List.of())) {
            visit(needed, paths, path);
        }
        path.remove(name);
        paths.add(file);
    }
}
