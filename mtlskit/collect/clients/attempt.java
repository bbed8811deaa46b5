import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/**
 * One attempt by JSSE with its default key manager. Its wishes come on standard input, one a line,
 * the password among them: address, port, name, versions, key store, trust store, password, path.
 * A dash stands for nothing. It prints ACCEPTED and the first line of the answer, REFUSED if it was
 * JSSE itself that refused, or else FAILED; and why.
 */
public class attempt {
    public static void main(String[] none) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String address = in.readLine();
        int port = Integer.parseInt(in.readLine());
        String name = in.readLine();
        String[] versions = in.readLine().split(",");
        String identity = in.readLine();
        String trust = in.readLine();
        char[] password = in.readLine().toCharArray();
        String request = in.readLine().replace("\\r\\n", "\r\n");
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys(identity, password), anchors(trust, password), null);
            Socket plain = new Socket(address, port);
            SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, name, port, true);
            socket.setEnabledProtocols(versions);
            if (!trust.equals("-")) {
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                socket.setSSLParameters(parameters);
            }
            socket.startHandshake();
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            socket.getOutputStream().flush();
            InputStream answer = socket.getInputStream();
            BufferedReader lines = new BufferedReader(new InputStreamReader(answer, StandardCharsets.ISO_8859_1));
            String first = lines.readLine();
            System.out.println(first == null ? "CLOSED: without an answer" : "ACCEPTED: " + first);
            while (first != null) {
                first = lines.readLine();
            }
            socket.close();
        } catch (Exception error) {
            System.out.println((own(error) ? "REFUSED: " : "FAILED: ") + error);
            System.exit(1);
        }
    }

    /** Whether it was this side that refused. */
    private static boolean own(Throwable error) {
        for (Throwable one = error; one != null; one = one.getCause()) {
            if (one instanceof java.security.cert.CertificateException) {
                return true;
            }
        }
        return false;
    }

    private static KeyManager[] keys(String file, char[] password) throws Exception {
        if (file.equals("-")) {
            return null;
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store(file, password), password);
        return factory.getKeyManagers();
    }

    private static TrustManager[] anchors(String file, char[] password) throws Exception {
        if (file.equals("-")) {
            return new TrustManager[] {new Anyone()};
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store(file, password));
        return factory.getTrustManagers();
    }

    private static KeyStore store(String file, char[] password) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream in = new FileInputStream(file)) {
            store.load(in, password);
        }
        return store;
    }

    private static class Anyone implements X509TrustManager {
        public void checkClientTrusted(X509Certificate[] chain, String kind) {}
        public void checkServerTrusted(X509Certificate[] chain, String kind) {}
        public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    }
}
