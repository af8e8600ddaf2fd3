# SPDX-License-Identifier: Apache-2.0
# Completion of the sbs command for bash, as `sbs --completion` prints it.
_sbs() {
    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD - 1]}"
    local command='' words='' files=''
    [ "$COMP_CWORD" -gt 1 ] && command="${COMP_WORDS[1]}"
    [ "$command" = queue ] && [ "$COMP_CWORD" -gt 2 ] && command+=" ${COMP_WORDS[2]}"
    COMPREPLY=()
    case "$command $previous" in
    "keygen --key") files=yes ;;
    "keygen --alg") words='RS384 ES384' ;;
    "keygen --bits") words='2048 3072 4096' ;;
    "keygen --public") files=yes ;;
    "jwk --key") files=yes ;;
    "jwk --kid") return ;;
    "jwk --kid-method") words='seed thumbprint' ;;
    "assertion --key") files=yes ;;
    "assertion --client-id") return ;;
    "assertion --aud") return ;;
    "assertion --profile") words='smart seed' ;;
    "assertion --lifetime") return ;;
    "assertion --issued-at") return ;;
    "assertion --jti") return ;;
    "assertion --kid") return ;;
    "assertion --kid-method") words='seed thumbprint' ;;
    "discover --fhir") return ;;
    "discover --ca") files=yes ;;
    "discover --timeout") return ;;
    "discover --config") files=yes ;;
    "token --fhir") return ;;
    "token --token-url") return ;;
    "token --key") files=yes ;;
    "token --client-id") return ;;
    "token --scope") return ;;
    "token --profile") words='smart seed' ;;
    "token --aud") return ;;
    "token --typ") return ;;
    "token --kid") return ;;
    "token --kid-method") words='seed thumbprint' ;;
    "token --ca") files=yes ;;
    "token --timeout") return ;;
    "token --config") files=yes ;;
    "get --fhir") return ;;
    "get --token-url") return ;;
    "get --key") files=yes ;;
    "get --client-id") return ;;
    "get --scope") return ;;
    "get --profile") words='smart seed' ;;
    "get --aud") return ;;
    "get --typ") return ;;
    "get --kid") return ;;
    "get --kid-method") words='seed thumbprint' ;;
    "get --ca") files=yes ;;
    "get --timeout") return ;;
    "get --config") files=yes ;;
    "push --fhir") return ;;
    "push --token-url") return ;;
    "push --key") files=yes ;;
    "push --client-id") return ;;
    "push --scope") return ;;
    "push --profile") words='smart seed' ;;
    "push --aud") return ;;
    "push --typ") return ;;
    "push --kid") return ;;
    "push --kid-method") words='seed thumbprint' ;;
    "push --queue") files=yes ;;
    "push --keep-dead") return ;;
    "push --device") return ;;
    "push --max-items") return ;;
    "push --max-size") return ;;
    "push --when-full") words='refuse drop-oldest' ;;
    "push --write-mode") words='auto put if-none-exist plain' ;;
    "push --batch") return ;;
    "push --wait") return ;;
    "push --max-time") return ;;
    "push --settle") return ;;
    "push --already-there") words='set-aside accept' ;;
    "push --ca") files=yes ;;
    "push --timeout") return ;;
    "push --config") files=yes ;;
    "queue add --queue") files=yes ;;
    "queue add --keep-dead") return ;;
    "queue add --device") return ;;
    "queue add --max-items") return ;;
    "queue add --max-size") return ;;
    "queue add --when-full") words='refuse drop-oldest' ;;
    "queue add --config") files=yes ;;
    "queue list --queue") files=yes ;;
    "queue list --keep-dead") return ;;
    "queue list --config") files=yes ;;
    "queue push --fhir") return ;;
    "queue push --token-url") return ;;
    "queue push --key") files=yes ;;
    "queue push --client-id") return ;;
    "queue push --scope") return ;;
    "queue push --profile") words='smart seed' ;;
    "queue push --aud") return ;;
    "queue push --typ") return ;;
    "queue push --kid") return ;;
    "queue push --kid-method") words='seed thumbprint' ;;
    "queue push --queue") files=yes ;;
    "queue push --keep-dead") return ;;
    "queue push --write-mode") words='auto put if-none-exist plain' ;;
    "queue push --batch") return ;;
    "queue push --wait") return ;;
    "queue push --max-time") return ;;
    "queue push --settle") return ;;
    "queue push --already-there") words='set-aside accept' ;;
    "queue push --ca") files=yes ;;
    "queue push --timeout") return ;;
    "queue push --config") files=yes ;;
    "queue retry --queue") files=yes ;;
    "queue retry --keep-dead") return ;;
    "queue retry --config") files=yes ;;
    "queue dead --queue") files=yes ;;
    "queue dead --keep-dead") return ;;
    "queue dead --config") files=yes ;;
    "observe --code") return ;;
    "observe --value") return ;;
    "observe --unit") return ;;
    "observe --string") return ;;
    "observe --coded") return ;;
    "observe --absent") return ;;
    "observe --status") return ;;
    "observe --category") return ;;
    "observe --subject") return ;;
    "observe --device") return ;;
    "observe --performer") return ;;
    "observe --effective") return ;;
    "observe --identifier") return ;;
    "observe --component") return ;;
    "provision --device") files=yes ;;
    "provision --fhir") return ;;
    "provision --token-url") return ;;
    "provision --token-origin") return ;;
    "provision --client-id") return ;;
    "provision --scope") return ;;
    "provision --alg") words='RS384 ES384' ;;
    "provision --ca") files=yes ;;
    "provision --write-mode") words='put if-none-exist plain' ;;
    "provision --unknown-time") words='hold send dead' ;;
    "provision --when-full") words='refuse drop-oldest' ;;
    "provision --subject") return ;;
    "provision --patient") return ;;
    "provision --interval") return ;;
    "provision --first-delay") return ;;
    "provision --zone") return ;;
    "provision --ntp") return ;;
    "provision --timeout") return ;;
    "provision --config") files=yes ;;
    "provision --kid") return ;;
    "provision --kid-method") words='seed thumbprint' ;;
    *)
    case "$command" in
    '') words='keygen jwk assertion discover token parse-token get push queue observe provision base64url --help --version --completion' ;;
    'queue') words='add list push retry dead --help' ;;
    'keygen') words='--key --alg --bits --public --force --help' ;;
    'jwk') words='--key --set --compact --kid --kid-method --help' files=yes ;;
    'assertion') words='--key --client-id --aud --profile --lifetime --issued-at --jti --kid --kid-method --no-kid --help' ;;
    'discover') words='--fhir --ca --timeout --config --verbose --allow-http --help' ;;
    'token') words='--fhir --token-url --key --client-id --scope --any-scope --profile --aud --typ --kid --kid-method --no-kid --raw --ca --timeout --config --verbose --allow-http --help' ;;
    'parse-token') words='--help' ;;
    'get') words='--fhir --token-url --key --client-id --scope --any-scope --profile --aud --typ --kid --kid-method --no-kid --ca --timeout --config --verbose --allow-http --help' ;;
    'push') words='--fhir --token-url --key --client-id --scope --any-scope --profile --aud --typ --kid --kid-method --no-kid --queue --keep-dead --device --max-items --max-size --when-full --write-mode --batch --wait --max-time --settle --already-there --quiet --ca --timeout --config --verbose --allow-http --help' files=yes ;;
    'queue add') words='--queue --keep-dead --device --max-items --max-size --when-full --lines --config --help' files=yes ;;
    'queue list') words='--queue --keep-dead --config --help' ;;
    'queue push') words='--fhir --token-url --key --client-id --scope --any-scope --profile --aud --typ --kid --kid-method --no-kid --queue --keep-dead --follow --write-mode --batch --wait --max-time --settle --already-there --quiet --ca --timeout --config --verbose --allow-http --help' ;;
    'queue retry') words='--queue --keep-dead --config --help' ;;
    'queue dead') words='--queue --keep-dead --remove --config --help' ;;
    'observe') words='--code --value --unit --string --coded --absent --status --category --subject --device --performer --effective --identifier --component --help' ;;
    'provision') words='--device --show-jwk --fhir --token-url --token-origin --client-id --scope --alg --ca --write-mode --unknown-time --when-full --subject --patient --interval --first-delay --zone --ntp --no-wait --timeout --config --kid --kid-method --no-kid --help' ;;
    'base64url') words='--help encode decode' ;;
    esac ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    if [ -n "$files" ] && [ "${current:0:1}" != - ]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}
complete -o filenames -F _sbs sbs
