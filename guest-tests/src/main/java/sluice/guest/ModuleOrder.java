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

import org.jspecify.annotations.Nullable;

/**
 * Which kernel modules must be loaded, and in which order, so that each finds its symbols: read from {@code modules.dep}
 * (modules.dep(5): a line is {@code module: dependencies}, the dependencies to be loaded from right to left), or, in a tree that was built
 * and not installed, from {@code modules.order} and what the modules say themselves.
 */
final class ModuleOrder {
    private static final List<String> ENDINGS = List.of("", ".xz", ".zst", ".gz");

    /** What a module must find loaded, by name, in the order of loading. */
    private interface Dependencies {
        List<String> of(String name, String path) throws IOException, InterruptedException;
    }

    private final Map<String, String> pathByName = new HashMap<>();
    private final Dependencies dependencies;
    private final Set<String> builtIn = new HashSet<>();

    /**
     * @param dep the lines of {@code modules.dep}
     * @param builtIn the lines of {@code modules.builtin}: modules that are part of the kernel image
     */
    ModuleOrder(List<String> dep, List<String> builtIn) {
        Map<String, List<String>> read = new HashMap<>();
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
            read.put(name(path), needed.reversed());
        }
        dependencies = (name, path) -> read.getOrDefault(name, List.of());
        builtIn.forEach(path -> this.builtIn.add(name(path)));
    }

    /** @param order the lines of {@code modules.order}: {@code drivers/x/y.ko}, or {@code y.o} since Linux 6.4 */
    private ModuleOrder(Path tree, List<String> order, List<String> builtIn) {
        for (String line : order) {
            Path file = file(tree, line);
            if (file != null) pathByName.put(name(file.toString()), tree.relativize(file).toString());
        }
        dependencies = (name, path) -> ModuleFile.read(tree.resolve(path)).dependencies();
        builtIn.forEach(path -> this.builtIn.add(name(path)));
    }

    static ModuleOrder of(GuestKernel kernel) throws IOException {
        Path folder = kernel.modules();
        List<String> builtIn = lines(folder.resolve("modules.builtin"));
        Path dep = folder.resolve("modules.dep");
        if (kernel.tree() == null || Files.exists(dep)) return new ModuleOrder(Files.readAllLines(dep), builtIn);
        return new ModuleOrder(folder, lines(folder.resolve("modules.order")), builtIn);
    }

    private static List<String> lines(Path file) throws IOException {
        return Files.exists(file) ? Files.readAllLines(file) : List.of();
    }

    /** The file that a line of {@code modules.order} means; null if it was not built. */
    private static @Nullable Path file(Path tree, String line) {
        String path = line.strip();
        int dot = path.lastIndexOf('.');
        if (dot < 0) return null;
        for (String place : List.of(path.substring(0, dot), path.substring(0, dot).replaceFirst("^kernel/", ""))) {
            for (String ending : ENDINGS) {
                Path file = tree.resolve(place + ".ko" + ending);
                if (Files.isReadable(file)) return file;
            }
        }
        return null;
    }

    /** Whether there is a module of that name, as a file or built in. */
    boolean has(String module) {
        return pathByName.containsKey(name(module)) || builtIn.contains(name(module));
    }

    /** Whether the kernel's image has it. */
    boolean isBuiltIn(String module) {
        return builtIn.contains(name(module));
    }

    /** A module's kernel name: without folder and extension, with underscores for hyphens. */
    static String name(String path) {
        String file = path.substring(path.lastIndexOf('/') + 1);
        int dot = file.indexOf(".ko");
        return (dot < 0 ? file : file.substring(0, dot)).replace('-', '_');
    }

    /**
     * The files to load for the requested modules, relative to the modules folder, dependencies first.
     *
     * @throws IOException the kernel has no module of that name, neither as a file nor built in
     */
    List<String> load(List<String> wanted) throws IOException, InterruptedException {
        Set<String> paths = new LinkedHashSet<>();
        for (String module : wanted) {
            visit(name(module), paths, new HashSet<>());
        }
        return List.copyOf(paths);
    }

    private void visit(String name, Set<String> paths, Set<String> path) throws IOException, InterruptedException {
        String file = pathByName.get(name);
        if (file == null) {
            if (builtIn.contains(name))
                return;
            throw new IOException("this kernel has no module " + name + ", neither as a file nor built in");
        }
        if (paths.contains(file))
            return;
        if (!path.add(name))
            throw new IOException("the modules depend on each other in a cycle through " + name);
        for (String needed : dependencies.of(name, file)) {
            visit(name(needed), paths, path);
        }
        path.remove(name);
        paths.add(file);
    }
}
