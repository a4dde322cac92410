// The token from the form, or from the part of the address behind #, which no browser sends to a server.

const form = document.getElementById("form");
const field = document.getElementById("token");
const problem = document.getElementById("problem");

async function signIn(token) {
  problem.textContent = "";
  try {
    const answer = await fetch("/sign-in", { method: "POST", body: token, headers: { "Content-Type": "text/plain" } });
    if (answer.ok) {
      location.replace("/");
      return;
    }
    problem.textContent = await answer.text();
  } catch {
    problem.textContent = "The program does not answer.";
  }
  field.select();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(field.value);
});

const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  history.replaceState(null, "", location.pathname);
  signIn(given);
}
