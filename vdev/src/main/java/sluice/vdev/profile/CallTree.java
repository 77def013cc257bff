package sluice.vdev.profile;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Samples of stacks, as a tree from the outermost method to the innermost. */
final class CallTree {
    private static final int DEEPEST = 48;
    /** Sluice's own methods are named with it. */
    static final String OURS = "sluice ";
    private static final int MOST_NODES = 200_000;

    /** A method, called by its parent. */
    static final class Node {
        private final String name;
        private final Map<String, Node> callees = new LinkedHashMap<>();
        private long samples;

        Node(String name) {
            this.name = name;
        }

        boolean isOurs() {
            return name.startsWith(OURS);
        }

        /** Class and method. */
        String name() {
            return shown(name);
        }

        long samples() {
            return samples;
        }

        Collection<Node> callees() {
            return callees.values();
        }
    }

    private final Node root = new Node("all");
    private int nodes;

    /** @param methods the outermost first */
    void add(List<String> methods) {
        Node node = root;
        node.samples++;
        for (String method : methods.subList(0, Math.min(DEEPEST, methods.size()))) {
            Node next = node.callees.get(method);
            if (next == null) {
                if (nodes == MOST_NODES) return;
                nodes++;
                next = new Node(method);
                node.callees.put(method, next);
            }
            next.samples++;
            node = next;
        }
    }

    /** Class and method, without what marks Sluice's own. */
    static String shown(String name) {
        return name.startsWith(OURS) ? name.substring(OURS.length()) : name;
    }

    Node root() {
        return root;
    }
}
